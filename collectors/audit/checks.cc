#include "collectors/audit/checks.h"

#include "collectors/audit/look.h"

namespace lvs::audit {
namespace {

// Facts about the kernel behind them: Linux 6.1, net/netfilter/ipvs.
constexpr Check<Facts> kChecks[] = {
    {"mark_without_rule", "mark services, and the rules of the firewall that set marks",
     "no firewall rule sets the mark of this service: no packet reaches it", "LVSFwmarkRuleMissing",
     LookAtMarkServices},
    {"rule_without_service", "the rules of the firewall that set marks, and mark services",
     "packets to an address of this director get a mark that no service has", "LVSAuditFailed",
     LookAtMarkRules},
    {"vip_not_local", "routes to the addresses of services, and where mark rules send packets",
     "packets to the address are not delivered here, so IPVS never sees them", "LVSAuditFailed",
     LookForLocalVips},
    {"ip_forward", "net.ipv4.ip_forward and net.ipv6.conf.all.forwarding",
     "a masqueraded service needs forwarding, which is off", "LVSAuditFailed", LookAtForwarding},
    {"send_redirects", "net.ipv4.conf.*.send_redirects",
     "clients and masqueraded real servers share the interface, and redirects tell real servers to "
     "answer past this director",
     "LVSAuditFailed", LookAtRedirects},
    {"arp_ignore", "net.ipv4.conf.*.arp_ignore",
     "the address is on the loopback or a dummy here, and the interface answers ARP for it all the "
     "same: it needs arp_ignore=1",
     "LVSAuditFailed", LookAtArpIgnore},
    {"arp_announce", "net.ipv4.conf.*.arp_announce",
     "the address is on the loopback or a dummy here, and the interface may announce it by ARP: it "
     "needs arp_announce=2",
     "LVSAuditFailed", LookAtArpAnnounce},
    {"rp_filter", "net.ipv4.conf.*.rp_filter",
     "this director is a real server behind a tunnel, too, whose strict reverse path filter drops "
     "what comes out of it",
     "LVSAuditFailed", LookAtReversePath},
    {"conn_reuse_mode", "net.ipv4.vs.conn_reuse_mode and conntrack, the version of the kernel",
     "clients that use a port again stay with a drained or dead real server, or lose a second",
     "LVSAuditFailed", LookAtConnReuse},
    {"expire_nodest_conn", "net.ipv4.vs.expire_nodest_conn",
     "packets of connections to a removed real server are dropped without a word until the "
     "connection times out",
     "LVSAuditFailed", LookAtExpireNodest},
    {"expire_quiescent_template", "net.ipv4.vs.expire_quiescent_template",
     "persistent clients of a real server of weight 0 stay bound to it", "LVSAuditFailed",
     LookAtExpireQuiescent},
    {"port_zero_without_persistence", "services with port 0",
     "a service for all ports works only with persistence: its packets are dropped",
     "LVSAuditFailed", LookAtPortZero},
    {"ftp_persistence", "persistent services on TCP port 21",
     "the service takes every unprivileged TCP port of its address that no other service has",
     "LVSAuditFailed", LookAtFtp},
    {"estimation", "net.ipv4.vs.run_estimation and est_cpulist",
     "the counters of services and backends stand still", "LVSStatsFrozen", LookAtEstimation},
    {"defence_mode", "net.ipv4.vs.drop_entry, drop_packet and secure_tcp",
     "the kernel defends itself by dropping entries or packets", "LVSDefenceModeActive",
     LookAtDefence},
    {"backup_only", "net.ipv4.vs.backup_only",
     "this director is a real server, too: packets may go round between the directors while it is "
     "standby, which backup_only=1 prevents",
     "LVSAuditFailed", LookAtBackupOnly},
    {"sloppy_tcp", "net.ipv4.vs.sync_persist_mode and sloppy_tcp",
     "only templates are synchronised: after a failover running connections break without "
     "sloppy_tcp=1",
     "LVSAuditFailed", LookAtSloppyTcp},
    {"sync_role", "the sync daemons and the director's role",
     "the sync daemon of this role contradicts what the director is to its pair", "LVSAuditFailed",
     LookAtSyncRole},
    {"connection_table_buckets", "entries and buckets of the connection table",
     "more than 25 entries share a bucket: every packet walks a long chain",
     "LVSConnectionTableGrowing", LookAtTableSize},
};

}  // namespace

std::span<const Check<Facts>> DirectorChecks() { return kChecks; }

}  // namespace lvs::audit
