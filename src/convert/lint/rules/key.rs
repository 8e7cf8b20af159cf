//! SVC7xx: keys of a property list and their values.

use crate::lint::rule::rules;

rules! { ALL;
    UNKNOWN "SVC701" Warning
        "launchd knows no such key"
        why "it passes over it in silence"
        cure "correct the name; upper and lower case count";
    KIND "SVC702" Error
        "the key takes another type of value"
        why "launchd passes over it in silence"
        cure "write the type that the key takes";
    DEAD "SVC703" Warning
        "launchd does nothing with this key any more"
        why "what it should do is not done"
        cure "ExitTimeOut for TimeOut, KeepAlive for OnDemand; else take it out";
    NO_LABEL "SVC704" Error
        "there is no Label"
        why "launchd takes no job without"
        cure "add the Label, which is the name of the file without .plist";
    FILE_NAME "SVC705" Warning
        "the file is not called like the job"
        why "by convention LABEL.plist is the file of a job; tools that go by it find the wrong one or none"
        cure "call the file LABEL.plist";
    NO_PROGRAM "SVC706" Error
        "nothing says what to start"
        why "launchd takes no job without a program"
        cure "add ProgramArguments";
    RELATIVE "SVC707" Error
        "the path of the program is relative"
        why "launchd does not start it"
        cure "write the absolute path";
    SEARCHED "SVC708" Warning
        "the program is a bare name"
        why "launchd looks for it in /usr/bin, /bin, /usr/sbin and /sbin alone, whatever PATH the job has"
        cure "write the absolute path";
    SHELL "SVC709" Warning
        "shell syntax that nothing expands"
        why "launchd starts no shell: $NAME, ~ and * stay as they stand, in arguments, variables and paths, and a | is an argument"
        cure "write the value, or use /bin/sh -c with one string";
    USER_NUMBER "SVC710" Error
        "UserName and GroupName take a name, not a number"
        why "launchd looks for an account that is called like the number, and the job does not start"
        cure "write the name";
    AGENT_USER "SVC711" Warning
        "an agent cannot choose its user"
        why "launchd ignores UserName, GroupName and InitGroups of agents: it runs as the user who logs in"
        cure "take it out, or make it a daemon";
    USER_MISSING "SVC712" Warning
        "there is no such user on this machine"
        why "the job does not start"
        cure "make the user, or correct the name";
    UMASK "SVC713" Error
        "the umask is another one than it looks like"
        why "an integer is decimal: 027 is 033; a string is octal only if it begins with 0"
        cure "write the decimal number, 23 for 027, or <string>027</string>";
    NICE "SVC714" Warning
        "a nice level is between -20 and 20"
        why "launchd passes over others in silence"
        cure "write a level in that range";
    MAXFILES "SVC715" Note
        "this limit of a daemon is one of the whole machine, too"
        why "launchd sets kern.maxfiles or kern.maxproc by it, for everybody"
        cure "let the program raise its own limit, with setrlimit(2)";
    LIMITS "SVC716" Error
        "the soft limit is above the hard one"
        why "setrlimit(2) refuses it, and neither limit is set"
        cure "raise the hard limit, or lower the soft one";
    PORT "SVC717" Error
        "the socket has neither a port nor a path"
        why "launchd opens a port that the kernel chooses, which nobody knows"
        cure "add SockServiceName, or SockPathName";
    SOCKET_MODE "SVC718" Warning
        "a Unix socket without SockPathMode"
        why "launchd binds it so that only its owner can connect"
        cure "add SockPathMode, as a decimal integer: 438 is 0666";
    SOCKET_OCTAL "SVC719" Error
        "SockPathMode looks octal, and is decimal"
        why "an integer of a property list is decimal: 666 is 01232"
        cure "write the decimal number: 438 for 0666, 432 for 0660, 384 for 0600";
    ROOT "SVC720" Warning
        "RootDirectory without WorkingDirectory"
        why "the job keeps a directory outside of its new root, and can leave it"
        cure "add WorkingDirectory";
    CALENDAR "SVC721" Error
        "no calendar has this"
        why "the job never runs"
        cure "Minute 0 to 59, Hour 0 to 23, Day 1 to 31, Weekday 0 to 7, Month 1 to 12";
    NOT_HERE "SVC722" Warning
        "a file that the job needs is not on this machine"
        why "the job ends with 78 before its program starts, and says nothing"
        cure "install it, correct the path, or say --elsewhere if the file is for another machine";
    WORDS "SVC723" Warning
        "several words in one string"
        why "launchd takes each string as one word: it looks for a program whose name has blanks, or gives an argument that the program does not know"
        cure "write one string for each word";
    SCRIPT "SVC724" Warning
        "a shell is given the script in several words"
        why "-c takes one word; what follows are the script's $0, $1 and so on, and it reads no such variable"
        cure "write the whole script as one string";
    EVERY_MINUTE "SVC725" Warning
        "a calendar fits more often than it looks"
        why "what StartCalendarInterval does not say fits always: an Hour without a Minute is sixty starts"
        cure "add Minute 0, and Hour 0 where a day is meant";
    RELATIVE_PATH "SVC726" Warning
        "a path is not one of a file"
        why "launchd takes a relative path from the job's working directory or from /, and no URL; a directory is no log"
        cure "write the absolute path of the file";
    SESSION "SVC727" Warning
        "the job is for a session that it is not in"
        why "launchd passes over a daemon that is limited to a user's session, and over an agent that is limited to System"
        cure "take LimitLoadToSessionType out; or make it an agent";
    CHOICE "SVC728" Warning
        "launchd knows no such word"
        why "it passes over the key, and the default holds"
        cure "launchd.plist(5) has the words";
    QUOTED "SVC729" Warning
        "quotes or a backslash in a word"
        why "launchd starts no shell: they are a part of the path or of the argument"
        cure "write the word without them; blanks may stand in it";
    INTERVAL "SVC730" Warning
        "a time that is none"
        why "launchd passes over the key"
        cure "write a number of seconds";
    NAME_FIRST "SVC731" Warning
        "the first of ProgramArguments is an option"
        why "with Program the first word is the name that the program is given for itself, and is not read as an argument"
        cure "put the program's name before it";
    LABEL "SVC732" Warning
        "a Label with a blank or a slash"
        why "launchctl takes DOMAIN/LABEL as one word: commands and scripts do not find the job"
        cure "letters, digits, dots and hyphens, as org.example.web";
    EITHER_DAY "SVC733" Note
        "a day of the week and a day of the month"
        why "launchd starts the job on both, as cron does"
        cure "say one of them, if both together are meant the program has to look";
    WRAPPER "SVC734" Warning
        "a program before the program that does what launchd does"
        why "sudo asks for a password, nohup looks for a terminal; launchd stops them, and not the program behind them"
        cure "UserName for sudo; leave nohup out";
}
