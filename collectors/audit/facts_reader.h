// Reads what the audit of a director looks at.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "collectors/audit/facts.h"
#include "collectors/netfilter/mark_rule_reader.h"
#include "collectors/result.h"
#include "collectors/route/network_settings.h"
#include "collectors/route/route.h"

namespace lvs::audit {

// "6.1.0-18-amd64" is 6 and 1. Absent when it does not begin with two numbers.
std::optional<std::pair<int, int>> ParseKernelVersion(const std::string& release);

// Owned by one thread, whose network namespace it reads.
class FactsReader {
 public:
  // Addresses that are looked up at one time; of others it is not known whether they are local.
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

  const route::NetworkSettings settings_;
  netfilter::MarkRuleReader rules_;
  route::RouteReader routes_;
};

// The interfaces of this host that are up, with what holds on them. Errors: of the interfaces or
// the addresses; a setting that cannot be read is absent.
Result<std::vector<HostInterface>> ReadHostInterfaces(route::RouteReader& routes,
                                                      const route::NetworkSettings& settings);

}  // namespace lvs::audit
