// Rule sets that set marks in every way that is told apart, and what they come to. They are used
// twice: the recorded_*.txt are what the kernel said of them, and where the tools and the right are
// there, they are loaded and read.
#pragma once

#include <string>
#include <vector>

namespace lvs::netfilter {

// For `nft -f`.
inline constexpr const char* kNftRules = R"(
table ip direct {
  chain pre {
    type filter hook prerouting priority mangle; policy accept;
    ip daddr 192.0.2.1 tcp dport 80 counter meta mark set 0x1
    ip daddr 192.0.2.0/24 tcp dport { 80, 443 } meta mark set 0x2
    ip daddr 192.0.2.128/25 udp dport 8000-8010 meta mark set 0x3
    ip daddr { 192.0.2.7, 198.51.100.0/24 } tcp dport { 21, 1024-65535 } meta mark set 0x4
    ip saddr 10.0.0.1 ip daddr 192.0.2.8 meta mark set 0x5
    ip daddr 192.0.2.9 meta mark set meta mark & 0xffffff00 ^ 0x6
    ip daddr 192.0.2.10 meta l4proto { tcp, udp } th dport 53 meta mark set 0x7
    iifname "eth0" meta mark set 0x8
    ip daddr != 192.0.2.11 meta mark set 0x9
    tcp dport < 1024 meta mark set 0xa
    ct state established meta mark set ct mark
    meta mark set tcp dport map { 80 : 0xb, 443 : 0xc }
    meta mark set numgen inc mod 2
    tcp dport vmap { 80 : jump web, 443 : goto web }
    ip daddr 192.0.2.12 ip protocol tcp jump inner
    ip daddr 192.0.2.13-192.0.2.14 goto inner
    ip daddr . tcp dport { 192.0.2.15 . 80 } meta mark set 0xd
    ip daddr @vips tcp dport 80 meta mark set 0xe accept
    limit rate 10/second meta mark set 0xf
    accept
    meta mark set 0xff
  }
  set vips { type ipv4_addr; elements = { 192.0.2.20, 192.0.2.21 } }
  chain web { meta mark set 0x10
  }
  chain inner {
    tcp dport 80 meta mark set 0x11
    udp dport 80 meta mark set 0x12
    return
    meta mark set 0xfe
  }
  chain out { type route hook output priority mangle; ip daddr 192.0.2.1 meta mark set 0x13
  }
  chain late { type filter hook output priority filter; meta mark set 0xfd
  }
  chain forward { type filter hook forward priority mangle; meta mark set 0xfc
  }
  chain in { type filter hook input priority mangle; ip daddr 192.0.2.1 meta mark set 0x14
  }
  chain nat { type nat hook prerouting priority dstnat; tcp dport 80 meta mark set 0x15
  }
}
table ip6 direct {
  chain pre {
    type filter hook prerouting priority mangle; policy accept;
    ip6 daddr 2001:db8::1 tcp dport 80 meta mark set 0x21
    ip6 daddr 2001:db8::/33 udp dport { 53, 500-501 } meta mark set 0x22
    ip6 nexthdr tcp meta mark set 0x23
  }
}
table inet both {
  chain pre {
    type filter hook prerouting priority mangle; policy accept;
    tcp dport 25 meta mark set 0x31
    ip daddr 192.0.2.1 tcp dport 26 meta mark set 0x32
    ip6 daddr 2001:db8::1 tcp dport 27 meta mark set 0x33
    meta nfproto ipv6 meta mark set ct mark
  }
}
)";

inline const std::vector<std::string> kNftIpv4 = {
    "prerouting 192.0.2.1 tcp 80 -> 1",
    "prerouting 192.0.2.0/24 tcp 80 -> 2",
    "prerouting 192.0.2.0/24 tcp 443 -> 2",
    "prerouting 192.0.2.128/25 udp 8000-8010 -> 3",
    "prerouting 192.0.2.7 tcp 21 -> 4",
    "prerouting 192.0.2.7 tcp 1024-65535 -> 4",
    "prerouting 198.51.100.0/24 tcp 21 -> 4",
    "prerouting 198.51.100.0/24 tcp 1024-65535 -> 4",
    "prerouting 192.0.2.8 any any -> 5 narrowed",
    "prerouting 192.0.2.9 any any -> 6/ff",
    "prerouting 192.0.2.10 tcp 53 -> 7",
    "prerouting 192.0.2.10 udp 53 -> 7",
    "prerouting any any any -> 8 narrowed",
    "prerouting any any any -> 9 narrowed",
    "prerouting any tcp 0-1023 -> a",
    "prerouting 192.0.2.12 tcp 80 -> 11",
    "prerouting 192.0.2.13 tcp 80 -> 11",
    "prerouting 192.0.2.14 tcp 80 -> 11",
    "prerouting 192.0.2.13 udp 80 -> 12",
    "prerouting 192.0.2.14 udp 80 -> 12",
    "prerouting any tcp any -> d narrowed",
    "prerouting 192.0.2.20 tcp 80 -> e",
    "prerouting 192.0.2.21 tcp 80 -> e",
    "prerouting any any any -> f narrowed",
    "output 192.0.2.1 any any -> 13",
    "input 192.0.2.1 any any -> 14",
    "prerouting any tcp 80 -> 15 narrowed",
    "prerouting any tcp 25 -> 31",
    "prerouting 192.0.2.1 tcp 26 -> 32",
};
inline const std::vector<std::string> kNftIpv4Unclear = {
    "nft ip direct pre handle 24: the mark of the connection",
    "nft ip direct pre handle 26: a mark from a map",
    "nft ip direct pre handle 27: a computed mark",
    "nft ip direct web handle 38: a mark for packets that a verdict map sends here",
};
inline const std::vector<std::string> kNftIpv6 = {
    "prerouting 2001:db8::1 tcp 80 -> 21",
    "prerouting 2001:db8::/33 udp 53 -> 22",
    "prerouting 2001:db8::/33 udp 500-501 -> 22",
    "prerouting any tcp any -> 23",
    "prerouting any tcp 25 -> 31",
    "prerouting 2001:db8::1 tcp 27 -> 33",
};
inline const std::vector<std::string> kNftIpv6Unclear = {
    "nft inet both pre handle 5: the mark of the connection",
};

// For a shell in which iptables and ip6tables are the legacy ones or those of nf_tables.
inline constexpr const char* kIptablesRules = R"(
iptables -t mangle -A PREROUTING -d 192.0.2.1 -p tcp --dport 80 -j MARK --set-mark 1
iptables -t mangle -A PREROUTING -d 192.0.2.0/24 -p tcp -m multiport --dports 80,443,8000:8010 -m comment --comment hi -j MARK --set-xmark 0x2/0xff
iptables -t mangle -N web
iptables -t mangle -A web -p tcp --dport 80:90 -j MARK --or-mark 0x10
iptables -t mangle -A web -j RETURN
iptables -t mangle -A web -j MARK --set-mark 99
iptables -t mangle -A PREROUTING -d 192.0.2.7 -j web
iptables -t mangle -A PREROUTING -s 1.2.3.4 -d 192.0.2.7 -g web
iptables -t mangle -A OUTPUT -p udp ! --dport 53 -j MARK --set-mark 5
iptables -t mangle -A INPUT -j CONNMARK --restore-mark
iptables -t mangle -A INPUT -j CONNMARK --save-mark
iptables -t raw -A PREROUTING -p sctp --dport 99 -j MARK --set-mark 7
iptables -t mangle -A PREROUTING -p tcp --syn --dport 81 -j MARK --set-mark 8
iptables -t mangle -A PREROUTING -p udp -m multiport ! --dports 1,2 -j MARK --set-mark 9
ip6tables -t mangle -A PREROUTING -d 2001:db8::/32 -p tcp --dport 80 -j MARK --and-mark 0xf0
ip6tables -t mangle -A PREROUTING -d 2001:db8::1 -p udp -m multiport --dports 53,500 -j MARK --set-mark 10
)";

inline const std::vector<std::string> kIptablesIpv4 = {
    "prerouting 192.0.2.1 tcp 80 -> 1",        "prerouting 192.0.2.0/24 tcp 80 -> 2/ff",
    "prerouting 192.0.2.0/24 tcp 443 -> 2/ff", "prerouting 192.0.2.0/24 tcp 8000-8010 -> 2/ff",
    "prerouting 192.0.2.7 tcp 80-90 -> 10/10", "prerouting 192.0.2.7 tcp 80-90 -> 10/10 narrowed",
    "prerouting any tcp 81 -> 8 narrowed",     "prerouting any udp any -> 9 narrowed",
    "output any udp any -> 5 narrowed",        "prerouting any sctp any -> 7",
};
inline const std::vector<std::string> kIptablesIpv6 = {
    "prerouting 2001:db8::/32 tcp 80 -> 0/ffffff0f",
    "prerouting 2001:db8::1 udp 53 -> a",
    "prerouting 2001:db8::1 udp 500 -> a",
};

}  // namespace lvs::netfilter
