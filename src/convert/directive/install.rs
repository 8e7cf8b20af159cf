//! Directives of `[Install]` (systemd.unit(5)). `systemctl enable` reads them, the manager does not.

use super::row::ValueKind::{Text, Words};
use super::row::{DirectiveRow, d};

pub(super) const INSTALL: &[DirectiveRow] = &[
    d("Alias", 0, Words),
    d("Also", 0, Words),
    d("DefaultInstance", 0, Text),
    d("RequiredBy", 0, Words),
    d("UpheldBy", 254, Words),
    d("WantedBy", 0, Words),
];
