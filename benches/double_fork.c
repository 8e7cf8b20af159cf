/* A minimal daemon by daemon(7), in C: the cost of a launcher that does nothing else.
 *
 * usage: double_fork PROGRAM ARG... */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    if (fork() != 0)
        return 0;
    setsid();
    if (fork() != 0)
        _exit(0);
    umask(022);
    int null = open("/dev/null", O_RDWR);
    for (int stream = 0; null >= 0 && stream < 3; stream++)
        dup2(null, stream);
    if (null > 2)
        close(null);
    if (chdir("/") != 0)
        _exit(1);
    execv(argv[1], argv + 1);
    _exit(127);
}
