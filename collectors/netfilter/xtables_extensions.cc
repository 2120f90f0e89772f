#include "collectors/netfilter/xtables_extensions.h"

#include <netinet/in.h>
// After <netinet/in.h>, or both would define its types.
#include <linux/netfilter/xt_TPROXY.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_set.h>
#include <linux/netfilter/xt_tcpudp.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <utility>

namespace lvs::netfilter {
namespace {

constexpr std::uint16_t kLastPort = 0xffff;

// The kernel's structures of MARK before revision 2.
struct MarkInfo0 {
  unsigned long mark;
};
struct MarkInfo1 {
  unsigned long mark;
  std::uint8_t mode;
};
enum MarkMode : std::uint8_t { kModeSet, kModeAnd, kModeOr };

// struct xt_sctp_info of linux/netfilter/xt_sctp.h, which is no C++.
struct SctpInfo {
  std::uint16_t dpts[2];
  std::uint16_t spts[2];
  std::uint32_t chunks[256 / 32];
  std::uint32_t chunk_match_type;
  std::uint8_t chunk_flags[4][3];
  std::int32_t chunk_flag_count;
  std::uint32_t flags;
  std::uint32_t invflags;
};
enum SctpFlags : std::uint32_t {
  kSctpSourcePorts = 1,
  kSctpDestinationPorts = 2,
  kSctpChunkTypes = 4,
};

template <class Info>
std::optional<Info> Take(Bytes bytes) {
  Info info;
  if (bytes.size() < sizeof info) return {};
  std::memcpy(&info, bytes.data(), sizeof info);
  return info;
}

bool IsAny(const std::uint16_t (&ports)[2]) { return ports[0] == 0 && ports[1] == kLastPort; }

// A range the wrong way round fits no port (port_match in net/netfilter/xt_tcpudp.c).
Ranges<std::uint16_t> RangesOf(const std::uint16_t (&ports)[2]) {
  if (ports[0] > ports[1]) return {};
  return {{ports[0], ports[1]}};
}

// Each gives false where there is more than destination ports, or something else.
bool RequireTcp(Bytes bytes, Conditions& conditions) {
  const auto info = Take<xt_tcp>(bytes);
  if (!info) return false;
  const bool inverted = (info->invflags & XT_TCP_INV_DSTPT) != 0;
  if (!inverted && !IsAny(info->dpts)) conditions.RequirePorts(RangesOf(info->dpts));
  return info->invflags == 0 && IsAny(info->spts) && info->option == 0 && info->flg_mask == 0;
}

bool RequireUdp(Bytes bytes, Conditions& conditions) {
  const auto info = Take<xt_udp>(bytes);
  if (!info) return false;
  const bool inverted = (info->invflags & XT_UDP_INV_DSTPT) != 0;
  if (!inverted && !IsAny(info->dpts)) conditions.RequirePorts(RangesOf(info->dpts));
  return info->invflags == 0 && IsAny(info->spts);
}

bool RequireSctp(Bytes bytes, Conditions& conditions) {
  const auto info = Take<SctpInfo>(bytes);
  if (!info) return false;
  const bool inverted = (info->invflags & kSctpDestinationPorts) != 0;
  const bool ports = (info->flags & kSctpDestinationPorts) != 0;
  if (ports && !inverted) conditions.RequirePorts(RangesOf(info->dpts));
  return info->invflags == 0 && (info->flags & (kSctpSourcePorts | kSctpChunkTypes)) == 0;
}

bool RequireMultiport0(Bytes bytes, Conditions& conditions) {
  const auto info = Take<xt_multiport>(bytes);
  if (!info || info->flags != XT_MULTIPORT_DESTINATION) return false;
  Ranges<std::uint16_t> ranges;
  for (std::size_t i = 0; i < std::min<std::size_t>(info->count, XT_MULTI_PORTS); ++i) {
    ranges.push_back({info->ports[i], info->ports[i]});
  }
  conditions.RequirePorts(std::move(ranges));
  return true;
}

// A port with a flag begins a range that the next one ends (ports_match_v1 in
// net/netfilter/xt_multiport.c).
bool RequireMultiport1(Bytes bytes, Conditions& conditions) {
  const auto info = Take<xt_multiport_v1>(bytes);
  if (!info || info->flags != XT_MULTIPORT_DESTINATION || info->invert != 0) return false;
  const std::size_t count = std::min<std::size_t>(info->count, XT_MULTI_PORTS);
  Ranges<std::uint16_t> ranges;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t first = info->ports[i];
    if (info->pflags[i] != 0 && i + 1 < count) ++i;
    if (first <= info->ports[i]) ranges.push_back({first, info->ports[i]});
  }
  conditions.RequirePorts(std::move(ranges));
  return true;
}

bool RequireOnlyPorts(std::string_view name, std::uint8_t revision, Bytes info,
                      Conditions& conditions) {
  if (name == "comment") return true;
  if (name == "multiport" && revision == 1) return RequireMultiport1(info, conditions);
  if (revision != 0) return false;
  if (name == "tcp") return RequireTcp(info, conditions);
  if (name == "udp") return RequireUdp(info, conditions);
  if (name == "sctp") return RequireSctp(info, conditions);
  if (name == "multiport") return RequireMultiport0(info, conditions);
  return false;
}

MarkEffect Set(std::uint32_t mark, std::uint32_t mask) {
  return {.kind = MarkEffect::Kind::kSet, .mark = mark, .mask = mask, .reason = nullptr};
}

MarkEffect Unclear(const char* reason) {
  return {.kind = MarkEffect::Kind::kUnclear, .mark = 0, .mask = 0, .reason = reason};
}

MarkEffect EffectOfMark1(const MarkInfo1& info) {
  const auto value = static_cast<std::uint32_t>(info.mark);
  switch (info.mode) {
    case kModeSet:
      return Set(value, 0xffffffff);
    case kModeAnd:
      return Set(0, ~value);
    case kModeOr:
      return Set(value, value);
    default:
      return Unclear("a MARK of an unknown mode");
  }
}

MarkEffect EffectOfMark(std::uint8_t revision, Bytes bytes) {
  if (revision == 2) {
    const auto info = Take<xt_mark_tginfo2>(bytes);
    return info ? Set(info->mark, info->mask) : Unclear("a MARK that is too short");
  }
  if (revision == 1) {
    const auto info = Take<MarkInfo1>(bytes);
    return info ? EffectOfMark1(*info) : Unclear("a MARK that is too short");
  }
  if (revision == 0) {
    const auto info = Take<MarkInfo0>(bytes);
    if (!info) return Unclear("a MARK that is too short");
    return Set(static_cast<std::uint32_t>(info->mark), 0xffffffff);
  }
  return Unclear("a MARK of an unknown revision");
}

// Revision 1 has the mode where revision 2 has the direction of a shift.
MarkEffect EffectOfConnmark(std::uint8_t revision, Bytes bytes) {
  std::optional<std::uint8_t> mode;
  if (revision == 1) {
    if (const auto info = Take<xt_connmark_tginfo1>(bytes)) mode = info->mode;
  } else if (revision == 2) {
    if (const auto info = Take<xt_connmark_tginfo2>(bytes)) mode = info->mode;
  }
  if (mode == XT_CONNMARK_SET || mode == XT_CONNMARK_SAVE) return {};
  return Unclear("the mark of the connection, by CONNMARK");
}

// Both revisions begin alike.
MarkEffect EffectOfTproxy(Bytes bytes) {
  const auto info = Take<xt_tproxy_target_info>(bytes);
  if (info && info->mark_mask == 0 && info->mark_value == 0) return {};
  return Unclear("the mark of TPROXY, where a socket takes the packet");
}

// Only revision 3 can map (set_target_v3 in net/netfilter/xt_set.c).
MarkEffect EffectOfSet(std::uint8_t revision, Bytes bytes) {
  if (revision < 3) return {};
  const auto info = Take<xt_set_info_target_v3>(bytes);
  if (info && info->map_set.index == IPSET_INVALID_ID) return {};
  return Unclear("a mark from an IP set");
}

}  // namespace

void RequireMatch(std::string_view name, std::uint8_t revision, Bytes info,
                  Conditions& conditions) {
  if (!RequireOnlyPorts(name, revision, info, conditions)) conditions.narrowed = true;
}

MarkEffect EffectOf(std::string_view target, std::uint8_t revision, Bytes info) {
  if (target == "MARK") return EffectOfMark(revision, info);
  if (target == "CONNMARK") return EffectOfConnmark(revision, info);
  if (target == "HMARK") return Unclear("a computed mark, by HMARK");
  if (target == "mark") return Unclear("a mark, by ebtables");  // net/bridge/netfilter/ebt_mark.c
  if (target == "TPROXY") return EffectOfTproxy(info);
  if (target == "SET") return EffectOfSet(revision, info);
  return {};
}

}  // namespace lvs::netfilter
