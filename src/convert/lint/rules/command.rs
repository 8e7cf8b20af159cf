//! SVC3xx: command lines of a unit.

use crate::lint::rule::rules;

rules! { ALL;
    NO_SPECIFIER "SVC301" Error
        "unknown specifier"
        why "systemd replaces a % and the letter after it with a value; an unknown letter makes it refuse a command and ignore an assignment of Environment="
        hint "write %% for a percent sign";
    SPECIFIER "SVC302" Warning
        "percent sign that looks like text is a specifier"
        why "systemd silently inserts a value of its own: %q is the pretty host name, %s a shell, %H the host name"
        hint "write %% for a percent sign";
    VANISHES "SVC303" Warning
        "argument is a variable that is not set"
        why "systemd drops such a word: the program gets one argument less"
        hint "set it with Environment=, write ${NAME} to keep an empty argument, or $$ for a dollar sign";
    EMPTY "SVC304" Warning
        "variable inside an argument is not set"
        why "systemd replaces it with nothing, and the journal has no message about it"
        hint "set it with Environment=, or write $$ for a dollar sign";
    WHOLE_WORD "SVC305" Error
        "text directly after a variable becomes part of its name"
        why "after a $ at the start of a word, systemd takes the whole word as the name; no variable has that name, and the word is dropped"
        hint "write ${NAME} if more text follows";
    PROGRAM_VARIABLE "SVC306" Error
        "variable in the path of the program"
        why "systemd expands variables only in arguments; it looks for a program with a $ in its name"
        hint "write the path, or let a shell expand it: /bin/sh -c 'exec \"$PROGRAM\"'";
    SHELL "SVC307" Warning
        "shell operator outside of a shell"
        why "systemd starts no shell: the program gets the operator as an argument"
        hint "put the whole command into /bin/sh -c '...', or use StandardOutput=, several ExecStart= lines, or no background";
    PATTERN "SVC308" Warning
        "pattern or ~ is not expanded"
        why "systemd starts no shell: the program gets the word unchanged"
        hint "write the path (%h is the home of the manager's user), or use /bin/sh -c '...'";
    SEMICOLON "SVC309" Warning
        "semicolon is attached to a word"
        why "only a ; between blanks separates commands; this one is part of the argument"
        hint "write one line for each command, or quote the ';' if it belongs to the argument";
    RELATIVE "SVC310" Error
        "path of the program is relative"
        why "systemd refuses the unit: a program is an absolute path, or a bare name that is searched for"
        hint "write the absolute path";
    MISSING "SVC311" Warning
        "program does not exist on this machine"
        why "the service fails with 203/EXEC"
        hint "install it, correct the path, or use --elsewhere if the file is for another machine";
    NOT_EXECUTABLE "SVC312" Error
        "program is not executable"
        why "the service fails with 203/EXEC"
        hint "chmod +x, or name the interpreter first";
    DROPPED "SVC313" Note
        "line of a continued command starts with # or ;"
        why "systemd takes the line as a comment, even if it was meant as an argument"
        hint "quote the word, or move it to the previous line";
    SWALLOWED "SVC314" Warning
        "backslash joins the next directive to this line"
        why "a line that ends in a backslash continues: the directive is not set, and its text is an argument"
        hint "remove the backslash";
    ASSIGNED "SVC315" Error
        "variable assignment before the program"
        why "systemd starts no shell: it looks for a program of that name, and the service fails with 203/EXEC"
        hint "write Environment=NAME=VALUE";
    BUILTIN "SVC316" Error
        "shell builtin used as a program"
        why "systemd starts no shell: it looks for a program of that name, and the service fails with 203/EXEC"
        hint "use WorkingDirectory= for cd, Environment= for export, LimitNOFILE= and similar for ulimit, or /bin/sh -c '...'";
    SCRIPT "SVC317" Warning
        "script of a shell is split into several words"
        why "-c takes one word; the words after it are the script's $0, $1 and so on, which this script does not use"
        hint "quote the whole script: /bin/sh -c \"exec web --port 80\"";
    SUDO "SVC318" Warning
        "another program changes the user"
        why "systemd does that itself; here the main process is sudo or su, which opens a session, and signals do not reach the program"
        hint "write User=NAME, and start the program directly";
    NOHUP "SVC319" Warning
        "nohup has no effect here"
        why "a service has no terminal, and systemd collects its output"
        hint "remove nohup";
    KILL "SVC320" Error
        "kill without a process"
        why "the command fails, and with it the reload or the stop"
        hint "add $MAINPID";
}
