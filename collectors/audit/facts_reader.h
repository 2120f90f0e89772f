// Reads what the audit of a director looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/audit/facts.h"
#include "collectors/netfilter/mark_rule_reader.h"
#include "collectors/result.h"
#include "collectors/route/network_settings.h"
#include "collectors/route/route.h"

namespace lvs::audit {

// "6.1.0-18-amd64" is 6 and 1. Absent when it does not begin with two numbers.
std::optional<std::pair<int, int>> ParseKernelVersion(const std::string& release);

// Where packets to an address go, as the kernel said when it was asked.
struct Way {
  std::optional<bool> is_local;  // absent: it did not say
  std::optional<int> out;        // the index of an interface; absent: there is no route, too
};

// What is known of the ways to many addresses, of which only some are asked about in one look.
class Ways {
 public:
  // Asks about the addresses of wanted (each once) that were never asked about, then about those of
  // the longest ago, and among equals in their order: at most so many. The rest keeps what was
  // found before; what is not wanted is forgotten.
  void Update(const std::vector<Address>& wanted, std::size_t most,
              const std::function<Way(const Address&)>& ask);

  // Without those that were never asked about.
  std::map<Address, Way> known() const;

 private:
  struct Asked {
    Way way;
    std::uint64_t look = 0;  // 0: never
  };
  std::map<Address, Asked> asked_;
  std::uint64_t look_ = 0;
};

// The addresses to look up, each once: of services, then of mark rules, then of masqueraded
// backends. Without those that facts already has: the host's own.
std::vector<Address> AddressesToLookUp(const Facts& facts);

// Owned by one thread, whose network namespace it reads.
class FactsReader {
 public:
  // Addresses that are looked up in one look: a director may have thousands.
  static constexpr std::size_t kMostLookups = 500;

  explicit FactsReader(const std::string& procfs) : settings_(procfs), rules_(procfs) {}

  // table: never null. director: may be null. What cannot be read is absent, and the first error of
  // these is put into error.
  Facts Read(std::shared_ptr<const ipvs::Table> table,
             std::shared_ptr<const director::Snapshot> director, std::optional<Error>& error);

 private:
  void ReadMarkRules(Facts& facts, std::optional<Error>& error);
  void ReadInterfaces(Facts& facts, std::optional<Error>& error);
  void LookUpAddresses(Facts& facts);
  void LookUpWithMarks(Facts& facts);
  Way Ask(const Address& address, std::uint32_t mark);

  const route::NetworkSettings settings_;
  netfilter::MarkRuleReader rules_;
  route::RouteReader routes_;
  Ways ways_;  // to addresses that are not the host's own
};

// The interfaces of this host that are up, with what holds on them. Errors: of the interfaces or
// the addresses; a setting that cannot be read is absent.
Result<std::vector<HostInterface>> ReadHostInterfaces(route::RouteReader& routes,
                                                      const route::NetworkSettings& settings);

}  // namespace lvs::audit
