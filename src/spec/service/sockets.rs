//! The sockets of a spec, from its draft.

use crate::boolean::yes_or_no;
use crate::draft::Pass;
use crate::socket;
use crate::{Field, FileMode, Principal, Socket, SocketMoment, SocketName, SocketOption, Sockets, Timespan};

impl Pass<'_> {
    /// The sockets in the order of their values, which is the order of their descriptors.
    fn listen(&mut self) -> Vec<Socket> {
        let values = self.values;
        let last_reset =
            |field: Field| values.iter().rposition(|given| given.field == field && given.value.is_empty());
        let mut all = Vec::new();
        for (at, given) in values.iter().enumerate() {
            let Some(kind) = Socket::kind_of(given.field) else { continue };
            if last_reset(given.field).is_none_or(|before| at > before) {
                all.extend(self.value(given, |value| Socket::parse(kind, value)));
            }
        }
        all
    }

    pub(super) fn sockets(&mut self) -> Sockets {
        let idle_exit = self.one(Field::IdleExit, Timespan::parse);
        Sockets {
            listen: self.listen(),
            name: self.one(Field::FileDescriptorName, SocketName::parse),
            mode: self.one(Field::SocketMode, FileMode::parse_socket),
            user: self.one(Field::SocketUser, Principal::parse),
            group: self.one(Field::SocketGroup, Principal::parse),
            bind_ipv6_only: self.one(Field::BindIPv6Only, socket::BindIpv6Only::parse),
            backlog: self.one(Field::Backlog, socket::backlog),
            options: SocketOption::all()
                .filter_map(|option| {
                    let value = self.one(Field::SocketOption(option), |value| option.parse(value))?;
                    Some((option, value))
                })
                .collect(),
            commands: SocketMoment::ALL
                .into_iter()
                .map(|moment| (moment, self.commands(Field::SocketCommand(moment))))
                .filter(|(_, commands)| !commands.is_empty())
                .collect(),
            launchd_activation: self.one(Field::LaunchdActivation, yes_or_no).unwrap_or(false),
            start_on_connect: self.one(Field::StartOnConnect, yes_or_no) == Some(true) || idle_exit.is_some(),
            idle_exit,
        }
    }
}
