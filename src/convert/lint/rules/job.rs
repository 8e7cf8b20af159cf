//! SVC8xx: start and stop of a launchd job.

use crate::lint::rule::rules;

rules! { ALL;
    INVERTED "SVC801" Note
        "job restarts after success, not after a failure"
        why "SuccessfulExit true means \"keep alive as long as it exits with 0\", and is often the opposite of what was intended"
        hint "SuccessfulExit false restarts after failures";
    THROTTLE "SVC802" Note
        "KeepAlive without ThrottleInterval"
        why "launchd keeps ten seconds between two starts, so a job that fails at once comes back late"
        hint "set ThrottleInterval, 10 to keep the default";
    EXIT_TIME_OUT "SVC803" Note
        "KeepAlive without ExitTimeOut"
        why "launchd kills the job a system-defined time after SIGTERM: 5 seconds on current systems, not 20"
        hint "set ExitTimeOut to a little more than the program needs to end";
    EXIT_NEVER "SVC804" Warning
        "ExitTimeOut of 0 means no limit"
        why "a job that does not end blocks the shutdown of the machine"
        hint "set the number of seconds that the job may take to end";
    TRANSACTIONS "SVC805" Warning
        "job is killed at once when it is stopped"
        why "a program that opens no XPC transaction gets SIGKILL without SIGTERM, or ignores SIGTERM by default"
        hint "remove the key, unless the program uses XPC transactions";
    NETWORK "SVC806" Warning
        "KeepAlive.NetworkState is not implemented any more"
        why "the job does not start when the network comes up"
        hint "use KeepAlive true; the program has to wait for the network itself";
    NEVER "SVC807" Warning
        "job is never started"
        why "without RunAtLoad, KeepAlive, an interval, a calendar, a path, a socket or a service it waits for launchctl kickstart"
        hint "add RunAtLoad";
    LOG "SVC808" Error
        "job's user cannot write the log"
        why "launchd opens the log as the job's user before the program starts: the job ends with 78 and without a message"
        hint "give the directory to the user, or choose one that the user can write";
    LOG_DIRECTORY "SVC809" Warning
        "directory of the log does not exist"
        why "if launchd cannot create it as the job's user, the job ends with 78 before the program starts"
        hint "create the directory when the job is installed";
    DISABLED "SVC810" Note
        "Disabled is only the initial state"
        why "launchctl enable and disable override it, and their state is stored elsewhere"
        hint "remove it and use launchctl disable";
    BACKGROUND "SVC811" Warning
        "program goes into the background"
        why "launchd takes the end of the first process for the end of the job: it ends the remaining processes, and with KeepAlive starts the job again"
        hint "remove the option that sends it into the background (launchd.plist(5): a job must not call daemon(3))";
    CONTRARY "SVC812" Warning
        "keys exclude each other"
        why "KeepAlive starts the job whenever it is not running, so an interval has no effect, and LaunchOnlyOnce does not hold"
        hint "use KeepAlive for a server, an interval or LaunchOnlyOnce for a task";
}
