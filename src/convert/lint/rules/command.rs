//! SVC3xx: command lines of a unit.

use crate::lint::rule::rules;

rules! { ALL;
    NO_SPECIFIER "SVC301" Error
        "there is no such specifier"
        why "systemd puts in a value for each % with a letter; for a letter that it does not know it refuses a command, and passes over an assignment of Environment="
        cure "write %% for a percent sign";
    SPECIFIER "SVC302" Warning
        "a percent sign that looks like text is a specifier"
        why "systemd silently puts in a value of its own: %q the pretty host name, %s a shell, %H the host name"
        cure "write %% for a percent sign";
    VANISHES "SVC303" Warning
        "a word is a variable that nothing sets"
        why "systemd leaves such a word out: the program is given one argument less"
        cure "set it with Environment=, write ${NAME} to keep an empty word, or double the $";
    EMPTY "SVC304" Warning
        "a variable that nothing sets stands in a word"
        why "it becomes nothing, without a word in the journal"
        cure "set it with Environment=, or write $$ for a dollar sign";
    WHOLE_WORD "SVC305" Error
        "after a $ at the beginning of a word the whole word is the name"
        why "systemd looks for a variable that is called like that, finds none, and leaves the word out"
        cure "write ${NAME} where more follows";
    PROGRAM_VARIABLE "SVC306" Error
        "a variable stands in the path of the program"
        why "systemd puts variables into arguments only; it looks for a program with a $ in its name"
        cure "write the path; or let a shell find it: /bin/sh -c 'exec \"$PROGRAM\"'";
    SHELL "SVC307" Warning
        "a sign of the shell is a plain word here"
        why "systemd starts no shell: the program is given the sign as an argument"
        cure "put all of it into /bin/sh -c '...', or use StandardOutput=, several ExecStart= lines, or no background";
    PATTERN "SVC308" Warning
        "a pattern or a ~ that nobody expands"
        why "systemd starts no shell: the program is given the word as it stands"
        cure "write the path (%h is the home of the manager's user), or use /bin/sh -c '...'";
    SEMICOLON "SVC309" Warning
        "a semicolon hangs at a word"
        why "only a ; with blanks around it parts commands; here it becomes a part of the argument"
        cure "write one line for each command; ';' in quotes if it belongs to the word";
    RELATIVE "SVC310" Error
        "the path of the program is relative"
        why "systemd refuses the unit: a program is an absolute path, or a bare name that it looks for"
        cure "write the absolute path";
    MISSING "SVC311" Warning
        "the program is not on this machine"
        why "the service fails with 203/EXEC"
        cure "install it, correct the path, or say --elsewhere if the file is for another machine";
    NOT_EXECUTABLE "SVC312" Error
        "the program cannot be executed"
        why "the service fails with 203/EXEC"
        cure "chmod +x, or name the interpreter first";
    DROPPED "SVC313" Note
        "a line of a command that goes on begins with # or ;"
        why "it is a comment there, also where it was meant as an argument"
        cure "put the word into quotes, or on the line before";
    SWALLOWED "SVC314" Warning
        "a backslash makes the next directive a part of the line"
        why "a line goes on behind a backslash: the directive is not set, and its text is an argument"
        cure "take the backslash away";
    ASSIGNED "SVC315" Error
        "a variable is set before the program"
        why "systemd starts no shell: it looks for a program of that name, and the service fails with 203/EXEC"
        cure "write Environment=NAME=VALUE";
    BUILTIN "SVC316" Error
        "a word of the shell is no program"
        why "systemd starts no shell: it looks for a program of that name, and the service fails with 203/EXEC"
        cure "WorkingDirectory= for cd, Environment= for export, LimitNOFILE= and the like for ulimit; or /bin/sh -c '...'";
    SCRIPT "SVC317" Warning
        "a shell is given the script in several words"
        why "-c takes one word; what follows are the script's $0, $1 and so on, and it reads no such variable"
        cure "put the whole script in quotes: /bin/sh -c \"exec web --port 80\"";
    SUDO "SVC318" Warning
        "another program becomes the user"
        why "systemd does that itself; here the main process is sudo or su, which opens a session, and signals do not reach the program"
        cure "write User=NAME, and the program itself";
    NOHUP "SVC319" Warning
        "nohup does nothing here"
        why "a service has no terminal, and systemd keeps its output"
        cure "take it out";
    KILL "SVC320" Error
        "kill is given no process"
        why "the command fails, and the reload or the stop with it"
        cure "add $MAINPID";
}
