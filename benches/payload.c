/* The program that the contenders start. First it reads the clock.
 *
 * usage: payload FIFO
 *
 * It writes one record (the monotonic clock in nanoseconds, its pid) and waits until it is killed, or
 * until its alarm. */
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t record[2] = {now.tv_sec * INT64_C(1000000000) + now.tv_nsec, getpid()};
    alarm(30);
    int fifo = argc > 1 ? open(argv[1], O_WRONLY | O_NONBLOCK) : -1;
    if (fifo < 0 || write(fifo, record, sizeof record) != sizeof record)
        return 1;
    close(fifo);
    pause();
    return 0;
}
