//! What `[Service]` and `[Socket]` say about their control group (systemd.resource-control(5)).

use super::DirectiveRow;
use super::ValueKind::Boolean;
use super::ValueKind::BooleanOr;
use super::ValueKind::Enum;
use super::ValueKind::Integer;
use super::ValueKind::Other;
use super::ValueKind::Size;
use super::ValueKind::Timespan;
use super::ValueKind::Words;
use super::choices::CPUSET_PARTITION;
use super::choices::DEVICE_POLICY;
use super::choices::MANAGED_OOM;
use super::choices::OOM_PREFERENCE;
use super::choices::PRESSURE_WATCH;
use super::d;

pub(super) const CGROUP: &[DirectiveRow] = &[
    d("AllowedCPUs", 244, Words),
    d("AllowedMemoryNodes", 244, Words),
    d("BPFProgram", 249, Other).guard().system(),
    d("BindNetworkInterface", 260, Other).system(),
    d("BlockIOAccounting", 0, Boolean).gone(258),
    d("BlockIODeviceWeight", 0, Other).gone(258),
    d("BlockIOReadBandwidth", 0, Other).gone(258),
    d("BlockIOWeight", 0, Other).gone(258),
    d("BlockIOWriteBandwidth", 0, Other).gone(258),
    d("CPUAccounting", 0, Boolean).gone(258),
    d("CPUPressureThresholdSec", 261, Timespan),
    d("CPUPressureWatch", 261, BooleanOr(PRESSURE_WATCH)),
    d("CPUQuota", 0, Other),
    d("CPUQuotaPeriodSec", 242, Timespan),
    d("CPUSetPartition", 261, Enum(CPUSET_PARTITION)),
    d("CPUShares", 0, Other).gone(258),
    d("CPUWeight", 0, Other),
    d("CoredumpReceive", 255, Boolean),
    d("DefaultMemoryLow", 243, Size).gone(258),
    d("DefaultMemoryMin", 243, Size).gone(258),
    d("DefaultStartupMemoryLow", 254, Size).gone(258),
    d("Delegate", 0, Other),
    d("DelegateSubgroup", 254, Other),
    d("DeviceAllow", 0, Other).guard().system(),
    d("DevicePolicy", 0, Enum(DEVICE_POLICY)).guard().system(),
    d("DisableControllers", 240, Words),
    d("IOAccounting", 0, Boolean),
    d("IODeviceLatencyTargetSec", 240, Other),
    d("IODeviceWeight", 0, Other),
    d("IOPressureThresholdSec", 261, Timespan),
    d("IOPressureWatch", 261, BooleanOr(PRESSURE_WATCH)),
    d("IOReadBandwidthMax", 0, Other),
    d("IOReadIOPSMax", 0, Other),
    d("IOWeight", 0, Integer),
    d("IOWriteBandwidthMax", 0, Other),
    d("IOWriteIOPSMax", 0, Other),
    d("IPAccounting", 0, Boolean),
    d("IPAddressAllow", 0, Words).system(),
    d("IPAddressDeny", 0, Words).guard().system(),
    d("IPEgressFilterPath", 243, Other).guard().system(),
    d("IPIngressFilterPath", 243, Other).guard().system(),
    d("ManagedOOMMemoryPressure", 247, Enum(MANAGED_OOM)),
    d("ManagedOOMMemoryPressureDurationSec", 257, Timespan),
    d("ManagedOOMMemoryPressureLimit", 248, Other),
    d("ManagedOOMMemoryPressureLimitPercent", 247, Other).gone(248),
    d("ManagedOOMPreference", 248, Enum(OOM_PREFERENCE)),
    d("ManagedOOMSwap", 247, Enum(MANAGED_OOM)),
    d("MemoryAccounting", 0, Boolean),
    d("MemoryHigh", 0, Size),
    d("MemoryLimit", 0, Size).gone(258),
    d("MemoryLow", 0, Size),
    d("MemoryMax", 0, Size),
    d("MemoryMin", 240, Size),
    d("MemoryPressureThresholdSec", 254, Timespan),
    d("MemoryPressureWatch", 254, BooleanOr(PRESSURE_WATCH)),
    d("MemorySwapMax", 0, Size),
    d("MemoryZSwapMax", 253, Size),
    d("MemoryZSwapWriteback", 256, Boolean),
    d("NFTSet", 255, Other).system(),
    d("NetClass", 0, Other).gone(227),
    d("OOMRules", 261, Other),
    d("RestrictNetworkInterfaces", 250, Words).guard().system(),
    d("Slice", 0, Other),
    d("SocketBindAllow", 249, Other).system(),
    d("SocketBindDeny", 249, Other).guard().system(),
    d("StartupAllowedCPUs", 250, Words),
    d("StartupAllowedMemoryNodes", 250, Words),
    d("StartupBlockIOWeight", 0, Other).gone(258),
    d("StartupCPUShares", 0, Other).gone(258),
    d("StartupCPUWeight", 0, Other),
    d("StartupIOWeight", 0, Integer),
    d("StartupMemoryHigh", 254, Size),
    d("StartupMemoryLow", 254, Size),
    d("StartupMemoryMax", 254, Size),
    d("StartupMemorySwapMax", 254, Size),
    d("StartupMemoryZSwapMax", 254, Size),
    d("TasksAccounting", 0, Boolean),
    d("TasksMax", 0, Other),
];
