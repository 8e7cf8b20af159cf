//! SVC8xx: how a job of launchd starts and stops.

use crate::lint::rule::rules;

rules! { ALL;
    INVERTED "SVC801" Note
        "the job is started again when it has succeeded, and left alone when it has failed"
        why "SuccessfulExit is true for \"keep alive as long as it exits with 0\", and often written the wrong way round"
        cure "SuccessfulExit false restarts after failures";
    THROTTLE "SVC802" Note
        "KeepAlive without ThrottleInterval"
        why "launchd keeps ten seconds between two starts, so what fails at once comes back late"
        cure "say ThrottleInterval, 10 if that is meant";
    EXIT_TIME_OUT "SVC803" Note
        "KeepAlive without ExitTimeOut"
        why "launchd kills the job so soon after SIGTERM as the system says: 5 seconds on current ones, not 20"
        cure "say ExitTimeOut, a little more than the program needs to end";
    EXIT_NEVER "SVC804" Warning
        "an ExitTimeOut of 0 is no limit"
        why "a job that does not end blocks the shutdown of the machine"
        cure "say how many seconds it may take";
    TRANSACTIONS "SVC805" Warning
        "the job is killed at once when it is stopped"
        why "a program that opens no XPC transaction gets SIGKILL without SIGTERM, or ignores SIGTERM by default"
        cure "take the key out, unless the program speaks XPC";
    NETWORK "SVC806" Warning
        "KeepAlive.NetworkState is not implemented any more"
        why "the job is not started when the network comes"
        cure "KeepAlive true; the program has to wait for the network itself";
    NEVER "SVC807" Warning
        "nothing starts the job"
        why "without RunAtLoad, KeepAlive, an interval, a calendar, a path, a socket or a service it waits for launchctl kickstart"
        cure "add RunAtLoad";
    LOG "SVC808" Error
        "the job's user cannot write the log"
        why "launchd opens it as the job's user before the program starts: the job ends with 78 and says nothing"
        cure "give the directory to the user, or choose one that the user can write";
    LOG_DIRECTORY "SVC809" Warning
        "the directory of the log is not there"
        why "where launchd cannot make it as the job's user, the job ends with 78 before the program starts"
        cure "make the directory when the job is installed";
    DISABLED "SVC810" Note
        "Disabled is only the first answer"
        why "launchctl enable and disable overrule it, and what they have said is kept elsewhere"
        cure "take it out and use launchctl disable";
    BACKGROUND "SVC811" Warning
        "the program goes into the background"
        why "launchd takes the end of the first process for the end of the job: it ends what is left of it, and with KeepAlive starts the next one"
        cure "leave out what sends it into the background (launchd.plist(5): a job must not call daemon(3))";
    CONTRARY "SVC812" Warning
        "keys that exclude each other"
        why "KeepAlive starts the job whenever it is not running, so an interval has nothing to start, and once is not once"
        cure "KeepAlive for a server, an interval or LaunchOnlyOnce for a task";
}
