//! `[Socket]`, without what it shares with `[Service]` (systemd.socket(5)).

use super::DirectiveRow;
use super::ValueKind::Boolean;
use super::ValueKind::BooleanOr;
use super::ValueKind::CommandLine;
use super::ValueKind::Enum;
use super::ValueKind::Integer;
use super::ValueKind::Octal;
use super::ValueKind::Other;
use super::ValueKind::Size;
use super::ValueKind::Text;
use super::ValueKind::Timespan;
use super::ValueKind::Words;
use super::choices::BIND_IPV6;
use super::choices::DEFER_TRIGGER;
use super::choices::TIMESTAMPING;
use super::d;

pub(super) const SOCKET: &[DirectiveRow] = &[
    d("Accept", 0, Boolean),
    d("AcceptFileDescriptors", 258, Boolean),
    d("Backlog", 0, Integer),
    d("BindIPv6Only", 0, BooleanOr(BIND_IPV6)),
    d("BindToDevice", 0, Other),
    d("Broadcast", 0, Boolean),
    d("DeferAcceptSec", 0, Timespan),
    d("DeferTrigger", 258, BooleanOr(DEFER_TRIGGER)),
    d("DeferTriggerMaxSec", 258, Timespan),
    d("DirectoryMode", 0, Octal).guard(),
    d("ExecStartPost", 0, CommandLine),
    d("ExecStartPre", 0, CommandLine),
    d("ExecStopPost", 0, CommandLine),
    d("ExecStopPre", 0, CommandLine),
    d("FileDescriptorName", 0, Other),
    d("FlushPending", 247, Boolean),
    d("FreeBind", 0, Boolean),
    d("IPTOS", 0, Other),
    d("IPTTL", 0, Integer),
    d("KeepAlive", 0, Boolean),
    d("KeepAliveIntervalSec", 0, Timespan),
    d("KeepAliveProbes", 0, Integer),
    d("KeepAliveTimeSec", 0, Timespan),
    d("ListenDatagram", 0, Text),
    d("ListenFIFO", 0, Text),
    d("ListenMessageQueue", 0, Text),
    d("ListenNetlink", 0, Text),
    d("ListenSequentialPacket", 0, Text),
    d("ListenSpecial", 0, Text),
    d("ListenStream", 0, Text),
    d("ListenUSBFunction", 0, Text),
    d("Mark", 0, Integer),
    d("MaxConnections", 0, Integer),
    d("MaxConnectionsPerSource", 0, Integer),
    d("MessageQueueMaxMessages", 0, Integer),
    // With K, M, G only from 262 on.
    d("MessageQueueMessageSize", 0, Integer),
    d("NoDelay", 0, Boolean),
    d("PassCredentials", 0, Boolean),
    d("PassFileDescriptorsToExec", 256, Boolean),
    d("PassPIDFD", 258, Boolean),
    d("PassPacketInfo", 246, Boolean),
    d("PassSecurity", 0, Boolean),
    d("PipeSize", 0, Size),
    d("PollLimitBurst", 255, Integer),
    d("PollLimitIntervalSec", 255, Timespan),
    d("Priority", 0, Integer),
    d("ReceiveBuffer", 0, Size),
    d("RemoveOnStop", 0, Boolean),
    d("ReusePort", 0, Boolean),
    d("SELinuxContextFromNet", 0, Boolean).guard(),
    d("SendBuffer", 0, Size),
    d("Service", 0, Other),
    d("SmackLabel", 0, Text).guard(),
    d("SmackLabelIPIn", 0, Text).guard(),
    d("SmackLabelIPOut", 0, Text).guard(),
    d("SocketGroup", 0, Text).guard().system(),
    d("SocketMode", 0, Octal).guard(),
    d("SocketProtocol", 0, Other),
    d("SocketUser", 0, Text).guard().system(),
    d("Symlinks", 0, Words),
    d("TCPCongestion", 0, Text),
    d("TimeoutSec", 0, Timespan),
    d("Timestamping", 247, Enum(TIMESTAMPING)),
    d("Transparent", 0, Boolean),
    d("TriggerLimitBurst", 0, Integer),
    d("TriggerLimitIntervalSec", 0, Timespan),
    d("Writable", 0, Boolean),
    d("XAttrAccept", 262, Other),
    d("XAttrEntryPoint", 262, Other),
    d("XAttrListen", 262, Other),
];
