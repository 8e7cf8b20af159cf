//! An init script of System V (LSB 5.0, "Init Script Actions", "Comment Conventions for Init Scripts").

use super::{ScriptFile, Service, shell};
use crate::WriteError;
use crate::divide::{Place, Relation, Target, dependencies};

pub(super) fn files(service: &Service<'_>) -> Result<Vec<ScriptFile>, Vec<WriteError>> {
    let one = |error| vec![error];
    let adapter = shell::word(Place::Adapter, service.adapter.as_os_str()).map_err(one)?;
    let command = service.command(8)?;
    let ask = |verb: &str| service.ask(&[verb]);
    let header = header(service);
    let (reload, force_reload): (&[u8], &str) = if service.reloads() {
        (&ask("reload")?, "is_running || exit 0\n    reload")
    } else {
        (b"echo \"$0: the service cannot reload\" >&2\n    return 3", "is_running || exit 0\n    restart")
    };
    let (stop, status) = (ask("stop")?, ask("status")?);
    let parts: [&[u8]; 23] = [
        b"#!/bin/sh\n",
        header.as_bytes(),
        b"\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nexport PATH\n\n",
        b"start() {\n    # One that runs is a success (LSB).\n    ! is_running || return 0\n    ",
        &command,
        b"\n    case $? in\n    0 | 250) ;;\n    2) return 6 ;;\n    203) return 5 ;;\n    *) return 1 ;;\n    esac\n}\n\n",
        b"stop() {\n    ",
        &stop,
        b"\n}\n\nrestart() {\n    stop && start\n}\n\nreload() {\n    ",
        reload,
        b"\n}\n\nstatus() {\n    ",
        &status,
        b"\n}\n\nis_running() {\n    status >/dev/null 2>&1\n}\n\n",
        b"if [ ! -x ",
        &adapter,
        b" ]; then\n    echo \"$0: there is no \"",
        &adapter,
        b" >&2\n    [ \"$1\" != status ] || exit 4\n    exit 5\nfi\n\n",
        b"case $1 in\nstart | stop | restart | reload | status)\n    \"$1\"\n    ;;\n",
        b"force-reload)\n    ",
        force_reload.as_bytes(),
        b"\n    ;;\ntry-restart)\n    is_running || exit 0\n    restart\n    ;;\n",
        b"*)\n    echo \"usage: $0 start|stop|restart|reload|force-reload|try-restart|status\" >&2\n    exit 2\n    ;;\nesac\n",
    ];
    Ok(vec![ScriptFile::program(service.name.to_string(), parts.concat())])
}

/// The comment that insserv(8) and update-rc.d(8) read.
fn header(service: &Service<'_>) -> String {
    let found = dependencies(service.spec, Target::SysV);
    let words = |wanted: &[Relation], first: &[&str]| {
        let mut words: Vec<&str> = first.to_vec();
        let all = found.iter().filter(|(relation, _)| wanted.contains(relation));
        words.extend(all.map(|(_, word)| word.as_str()));
        let mut seen = Vec::new();
        words.retain(|word| {
            !seen.contains(word) && {
                seen.push(*word);
                true
            }
        });
        words.join(" ")
    };
    // The file systems come first, as for every unit.
    let required = words(&[Relation::Need], &["$local_fs", "$remote_fs"]);
    let should = words(&[Relation::Use, Relation::After], &[]);
    let before = words(&[Relation::Before], &[]);
    let description = service.spec.description.clone().unwrap_or_else(|| service.name.to_string());
    let description = description.replace(char::is_control, " ");
    let name = service.name.to_string();
    let rows: [(&str, &str); 9] = [
        ("Provides", &name),
        ("Required-Start", &required),
        ("Required-Stop", &required),
        ("Should-Start", &should),
        ("Should-Stop", &should),
        ("X-Start-Before", &before),
        ("Default-Start", "2 3 4 5"),
        ("Default-Stop", "0 1 6"),
        ("Short-Description", &description),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let rows: Vec<String> = rows.map(|(key, value)| format!("# {:<19}{value}", format!("{key}:"))).collect();
    format!("### BEGIN INIT INFO\n{}\n### END INIT INFO\n", rows.join("\n"))
}
