#include "collectors/netfilter/xtables_reader.h"

#include <netinet/in.h>
// After <netinet/in.h>, or both would define its types.
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/bytes.h"
#include "collectors/descriptor.h"
#include "collectors/netfilter/walk.h"
#include "collectors/netfilter/xtables_entries.h"
#include "collectors/read_file.h"

namespace lvs::netfilter {
namespace {

constexpr int kTries = 3;
constexpr std::size_t kMaxNames = 4096;
constexpr std::uint32_t kMaxEntries = 64 << 20;  // bytes: more than 200,000 rules

// What both families ask alike.
static_assert(sizeof(ipt_getinfo) == sizeof(ip6t_getinfo));
static_assert(offsetof(ipt_getinfo, size) == offsetof(ip6t_getinfo, size));
static_assert(offsetof(ipt_get_entries, entrytable) == offsetof(ip6t_get_entries, entrytable));
static_assert(offsetof(ipt_get_entries, size) == sizeof(ipt_getinfo::name));
static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO && IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES);
constexpr std::size_t kEntriesHeader = offsetof(ipt_get_entries, entrytable);

// The tables and those of their hooks that come before IPVS, by the priorities in
// linux/netfilter_ipv4.h: filter and security are too late in OUTPUT, nat in INPUT.
struct TableRow {
  std::string_view name;
  bool prerouting;
  bool input;
  bool output;
  bool first_packets;
};
constexpr TableRow kTables[] = {
    {"raw", true, false, true, false},       {"mangle", true, true, true, false},
    {"nat", true, false, true, true},        {"filter", false, true, false, false},
    {"security", false, true, false, false},
};

struct Copy {
  ipt_getinfo info{};
  std::vector<std::byte> entries;
};

const char* ToolOf(AddressFamily family) {
  return family == AddressFamily::kIpv4 ? "iptables" : "ip6tables";
}

Error Prefixed(AddressFamily family, const std::string& step, const Error& error) {
  return {error.code, std::string(ToolOf(family)) + ": " + step + ": " + error.message};
}

Error SystemError(int number) {
  switch (number) {
    case EPERM:
    case EACCES:
      return {ErrorCode::kNoPermission, "permission denied: CAP_NET_ADMIN is needed"};
    case ENOENT:
      return {ErrorCode::kNotFound, "it does not exist"};
    case EAGAIN:
      return {ErrorCode::kInterrupted, "it changed while it was read"};
    default:
      return {ErrorCode::kSystem, std::strerror(number)};
  }
}

// The tables that are there; none without the file.
Result<std::vector<std::string>> ReadTableNames(const std::string& procfs, AddressFamily family) {
  const char* file = family == AddressFamily::kIpv4 ? "ip_tables_names" : "ip6_tables_names";
  const Result<std::string> text = ReadFile(procfs + "/thread-self/net/" + file, kMaxNames);
  std::vector<std::string> names;
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) return names;
  if (!text.ok()) return text.error();
  std::istringstream lines(text.value());
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

Result<void> Get(int socket, AddressFamily family, int option, void* value, socklen_t length) {
  const int level = family == AddressFamily::kIpv4 ? IPPROTO_IP : IPPROTO_IPV6;
  if (getsockopt(socket, level, option, value, &length) != 0) return SystemError(errno);
  return {};
}

Result<ipt_getinfo> GetInfo(int socket, AddressFamily family, std::string_view table) {
  ipt_getinfo info{};
  table.copy(info.name, sizeof info.name - 1);
  Result<void> got = Get(socket, family, IPT_SO_GET_INFO, &info, sizeof info);
  if (!got.ok()) return got.error();
  return info;
}

bool IsSame(const ipt_getinfo& a, const ipt_getinfo& b) {
  return a.size == b.size && a.num_entries == b.num_entries && a.valid_hooks == b.valid_hooks &&
         std::ranges::equal(a.hook_entry, b.hook_entry);
}

// The kernel refuses with EAGAIN when the size is another one by now (get_entries in
// net/ipv4/netfilter/ip_tables.c); that the header still fits is for us to see.
Result<Copy> CopyOnce(int socket, AddressFamily family, std::string_view table) {
  const Result<ipt_getinfo> before = GetInfo(socket, family, table);
  if (!before.ok()) return before.error();
  Copy copy;
  copy.info = before.value();
  if (copy.info.size > kMaxEntries) return copy;
  copy.entries.resize(kEntriesHeader + copy.info.size);
  std::memcpy(copy.entries.data(), copy.info.name, sizeof copy.info.name);
  std::memcpy(copy.entries.data() + offsetof(ipt_get_entries, size), &copy.info.size,
              sizeof copy.info.size);
  Result<void> got = Get(socket, family, IPT_SO_GET_ENTRIES, copy.entries.data(),
                         static_cast<socklen_t>(copy.entries.size()));
  if (!got.ok()) return got.error();
  const Result<ipt_getinfo> after = GetInfo(socket, family, table);
  if (!after.ok()) return after.error();
  if (!IsSame(copy.info, after.value())) return SystemError(EAGAIN);
  return copy;
}

Result<Copy> CopyTable(int socket, AddressFamily family, std::string_view table) {
  Result<Copy> copy = CopyOnce(socket, family, table);
  for (int i = 1; i < kTries && !copy.ok() && copy.error().code == ErrorCode::kInterrupted; ++i) {
    copy = CopyOnce(socket, family, table);
  }
  return copy;
}

XtablesTable HeaderOf(AddressFamily family, const TableRow& row, const ipt_getinfo& info) {
  XtablesTable table;
  table.family = family;
  table.name = row.name;
  table.first_packets = row.first_packets;
  const auto take = [&](Hook hook, int number, bool wanted) {
    const bool valid = (info.valid_hooks & 1u << number) != 0;
    if (wanted && valid) table.hooks[static_cast<std::size_t>(hook)] = info.hook_entry[number];
  };
  take(Hook::kPrerouting, NF_INET_PRE_ROUTING, row.prerouting);
  take(Hook::kInput, NF_INET_LOCAL_IN, row.input);
  take(Hook::kOutput, NF_INET_LOCAL_OUT, row.output);
  return table;
}

// A table that went away meanwhile has no rules.
Result<MarkRules> ReadTable(int socket, AddressFamily family, const TableRow& row) {
  const Result<Copy> copy = CopyTable(socket, family, row.name);
  if (!copy.ok() && copy.error().code == ErrorCode::kNotFound) return MarkRules{};
  if (!copy.ok()) return copy.error();
  if (copy.value().entries.empty()) {
    const std::string table = std::string(ToolOf(family)) + " " + std::string(row.name);
    return MarkRules{.rules = {}, .unclear = {table + ": too many rules to look at"}};
  }
  const Bytes entries = Bytes(copy.value().entries).subspan(kEntriesHeader);
  const Result<Ruleset> ruleset = DecodeEntries(HeaderOf(family, row, copy.value().info), entries);
  if (!ruleset.ok()) return ruleset.error();
  return Walk(ruleset.value(), family);
}

}  // namespace

Result<MarkRules> ReadXtables(const std::string& procfs, AddressFamily family) {
  const Result<std::vector<std::string>> names = ReadTableNames(procfs, family);
  if (!names.ok()) return Prefixed(family, "list the tables", names.error());
  MarkRules rules;
  Descriptor socket;
  for (const TableRow& row : kTables) {
    if (std::ranges::find(names.value(), row.name) == names.value().end()) continue;
    // Any socket of the family will do; this one needs no CAP_NET_RAW.
    const int domain = family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
    if (!socket.valid()) socket = Descriptor(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.valid()) return Prefixed(family, "open a socket", SystemError(errno));
    Result<MarkRules> more = ReadTable(socket.get(), family, row);
    if (!more.ok()) return Prefixed(family, "table " + std::string(row.name), more.error());
    Append(rules, std::move(more.value()));
  }
  return rules;
}

}  // namespace lvs::netfilter
