//! SVC7xx: keys of a property list and their values.

use crate::lint::rule::rules;

rules! { ALL;
    UNKNOWN "SVC701" Warning
        "unknown key"
        why "launchd ignores it without a message"
        hint "correct the name; it is case-sensitive";
    KIND "SVC702" Error
        "value has the wrong type for this key"
        why "launchd ignores it without a message"
        hint "use the type of the key";
    DEAD "SVC703" Warning
        "key is obsolete"
        why "launchd ignores it, so it has no effect"
        hint "ExitTimeOut for TimeOut, KeepAlive for OnDemand; remove any other";
    NO_LABEL "SVC704" Error
        "Label is missing"
        why "launchd accepts no job without a Label"
        hint "add the Label, which is the name of the file without .plist";
    FILE_NAME "SVC705" Warning
        "name of the file differs from the Label"
        why "by convention the file of a job is LABEL.plist; tools that rely on it find the wrong file or no file"
        hint "rename the file to LABEL.plist";
    NO_PROGRAM "SVC706" Error
        "program is missing"
        why "launchd accepts no job without a program"
        hint "add ProgramArguments";
    RELATIVE "SVC707" Error
        "path of the program is relative"
        why "launchd does not start it"
        hint "write the absolute path";
    SEARCHED "SVC708" Warning
        "program is a bare name"
        why "launchd searches only /usr/bin, /bin, /usr/sbin and /sbin, whatever PATH the job has"
        hint "write the absolute path";
    SHELL "SVC709" Warning
        "shell syntax is not expanded"
        why "launchd starts no shell: $NAME, ~ and * remain unchanged in arguments, variables and paths, and a | is an argument"
        hint "write the value, or use /bin/sh -c with one string";
    USER_NUMBER "SVC710" Error
        "UserName and GroupName take a name, not a number"
        why "launchd looks for an account whose name is the number, and the job does not start"
        hint "write the name";
    AGENT_USER "SVC711" Warning
        "agent cannot choose its user"
        why "launchd ignores UserName, GroupName and InitGroups of an agent, which runs as the user who logs in"
        hint "remove it, or make the job a daemon";
    USER_MISSING "SVC712" Warning
        "user or group does not exist on this machine"
        why "the job does not start"
        hint "create it, or correct the name";
    UMASK "SVC713" Error
        "umask has another value than it seems to have"
        why "an integer is decimal: 027 is 033; a string is octal only if it starts with 0"
        hint "write the decimal number, 23 for 027, or <string>027</string>";
    NICE "SVC714" Warning
        "nice level is not between -20 and 20"
        why "launchd ignores such a level without a message"
        hint "write a level in that range";
    MAXFILES "SVC715" Note
        "limit of a daemon also applies to the whole machine"
        why "launchd sets kern.maxfiles or kern.maxproc with it, for all processes"
        hint "let the program raise its own limit, with setrlimit(2)";
    LIMITS "SVC716" Error
        "soft limit is above the hard limit"
        why "setrlimit(2) refuses it, and neither limit is set"
        hint "raise the hard limit, or lower the soft limit";
    PORT "SVC717" Error
        "socket has neither a port nor a path"
        why "launchd opens a port that the kernel chooses, and clients cannot know it"
        hint "add SockServiceName, or SockPathName";
    SOCKET_MODE "SVC718" Warning
        "Unix socket without SockPathMode"
        why "launchd binds it so that only its owner can connect"
        hint "add SockPathMode, as a decimal integer: 438 is 0666";
    SOCKET_OCTAL "SVC719" Error
        "SockPathMode looks octal, but is decimal"
        why "an integer in a property list is decimal: 666 is 01232"
        hint "write the decimal number: 438 for 0666, 432 for 0660, 384 for 0600";
    ROOT "SVC720" Warning
        "RootDirectory without WorkingDirectory"
        why "the working directory of the job stays outside of its new root, so the job can leave that root"
        hint "add WorkingDirectory";
    CALENDAR "SVC721" Error
        "time or date does not exist"
        why "the job never runs"
        hint "Minute 0 to 59, Hour 0 to 23, Day 1 to 31, Weekday 0 to 7, Month 1 to 12";
    NOT_HERE "SVC722" Warning
        "file of the job does not exist on this machine"
        why "the job ends with 78 before its program starts, without a message"
        hint "install it, correct the path, or use --elsewhere if the file is for another machine";
    WORDS "SVC723" Warning
        "several words in one string"
        why "launchd takes each string as one word: it looks for a program with blanks in its name, or passes an argument that the program does not know"
        hint "write one string for each word";
    SCRIPT "SVC724" Warning
        "script of a shell is split into several words"
        why "-c takes one word; the words after it are the script's $0, $1 and so on, which this script does not use"
        hint "write the whole script as one string";
    EVERY_MINUTE "SVC725" Warning
        "calendar matches more often than it seems to"
        why "a key that is missing in StartCalendarInterval always matches: an Hour without a Minute is sixty starts"
        hint "add Minute 0, and Hour 0 for a day";
    RELATIVE_PATH "SVC726" Warning
        "not an absolute path of a file"
        why "launchd resolves a relative path from the job's working directory or from /, and takes no URL; a directory cannot be a log"
        hint "write the absolute path of the file";
    SESSION "SVC727" Warning
        "job is limited to a session that it cannot be in"
        why "launchd ignores a daemon that is limited to a user's session, and an agent that is limited to System"
        hint "remove LimitLoadToSessionType, or make the job an agent";
    CHOICE "SVC728" Warning
        "value is not one of the words of this key"
        why "launchd ignores the key and uses the default"
        hint "launchd.plist(5) lists the words";
    QUOTED "SVC729" Warning
        "quotes or a backslash in a word"
        why "launchd starts no shell: they are part of the path or of the argument"
        hint "write the word without them; it may contain blanks";
    INTERVAL "SVC730" Warning
        "invalid time"
        why "launchd ignores the key"
        hint "write a number of seconds";
    NAME_FIRST "SVC731" Warning
        "first element of ProgramArguments is an option"
        why "with Program, the first element is the name that the program gets for itself, not an argument"
        hint "insert the program's name before it";
    LABEL "SVC732" Warning
        "Label contains a blank or a slash"
        why "launchctl takes DOMAIN/LABEL as one word: commands and scripts do not find the job"
        hint "use letters, digits, dots and hyphens, as in org.example.web";
    EITHER_DAY "SVC733" Note
        "Weekday and Day in one calendar"
        why "launchd starts the job on both, as cron does"
        hint "keep one of them; if both must match, the program has to check the date";
    WRAPPER "SVC734" Warning
        "sudo, su or nohup before the program"
        why "sudo asks for a password, nohup looks for a terminal; launchd stops them, but not the program that they started"
        hint "UserName for sudo; remove nohup";
}
