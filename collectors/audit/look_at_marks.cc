// Packet marks: what sets them, and who waits for them.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "collectors/address_facts.h"
#include "collectors/audit/checks.h"
#include "collectors/audit/look.h"

namespace lvs::audit {
namespace {

using netfilter::MarkRule;
using netfilter::MarkRules;
using Mark = std::uint32_t;

constexpr Mark kAllBits = 0xffffffff;
constexpr AddressFamily kFamilies[] = {AddressFamily::kIpv4, AddressFamily::kIpv6};

// "mark 0000000A ipv4".
std::string SubjectOf(Mark mark, AddressFamily family) {
  ipvs::ServiceKey key;
  key.protocol = ipvs::Protocol::kFwmark;
  key.fwmark = mark;
  key.address.family = family;
  return ToString(key);
}

bool IsMark(const ipvs::Service& service) {
  return service.key.protocol == ipvs::Protocol::kFwmark;
}

std::set<Mark> MarksOfServices(const Facts& facts, AddressFamily family) {
  std::set<Mark> marks;
  for (const ipvs::Service& service : facts.table->services) {
    if (IsMark(service) && service.key.address.family == family) marks.insert(service.key.fwmark);
  }
  return marks;
}

// The address a rule is for, when it is a single host.
const Address* HostOf(const MarkRule& rule) {
  if (!rule.destination) return nullptr;
  return rule.destination->prefix_length == BitsOf(rule.family) ? &rule.destination->address
                                                                : nullptr;
}

// mark: of the packets; 0: none.
std::optional<bool> IsLocal(const Facts& facts, const Address& address, Mark mark) {
  if (facts.local_by_mark.contains({address, mark})) return true;
  const auto found = facts.is_local.find(address);
  return found == facts.is_local.end() ? std::nullopt : std::optional(found->second);
}

// Whether a rule is about IPVS: its packets go to an address of this host, or of a service. Marks
// are used for other things, too.
bool ConcernsIpvs(const Facts& facts, const MarkRule& rule) {
  const Address* const host = HostOf(rule);
  if (host == nullptr || rule.hook == netfilter::Hook::kOutput) return false;
  if (IsLocal(facts, *host, rule.mark).value_or(false)) return true;
  return std::ranges::any_of(facts.table->services, [&](const ipvs::Service& service) {
    return !IsMark(service) && service.key.address == *host;
  });
}

// The mark of a packet behind a rule.
Mark After(const MarkRule& rule, Mark before) { return (before & ~rule.mask) ^ rule.mark; }

// Whether a packet can have the mark behind a rule, by the bits that the rule decides.
bool Agrees(const MarkRule& rule, Mark mark) {
  return (mark & rule.mask) == (rule.mark & rule.mask);
}

// The bits that rules which keep others may set and clear, together.
struct Bits {
  Mark set = 0;
  Mark cleared = 0;

  Bits operator|(const Bits& other) const { return {set | other.set, cleared | other.cleared}; }
};

// What rules may have done to the mark of a packet before it comes to another one.
struct Marked {
  std::set<Mark> by_one;  // rule alone
  Bits together;

  void Add(const MarkRule& rule) {
    by_one.insert(rule.mark);
    if (rule.mask != kAllBits) together = together | Bits{rule.mark & rule.mask, rule.mask};
  }
};

// Whether the mark comes of what a rule changes: each of its bits is set by the rule, before it or
// by others, and each bit that it has not is cleared. A rule that only clears what nobody has set
// changes nothing, and gives no packet a mark.
bool Makes(const MarkRule& rule, Mark mark, Mark before, const Bits& others) {
  const Mark after = After(rule, before);
  return after != before && (mark & ~after & ~others.set) == 0 &&
         (after & ~mark & ~others.cleared) == 0;
}

// Which rules of a family give packets a mark. The rules outlive it.
class Feeders {
 public:
  explicit Feeders(const std::vector<MarkRule>& rules);

  bool Feed(Mark mark) const;
  // The single hosts whose packets get the mark; each once, in order.
  std::vector<Address> HostsOf(Mark mark) const;
  // The marks that rules set whatever was there before.
  std::set<Mark> WholeMarks() const;
  // Whether packets that a rule has marked may come to IPVS with one of the marks.
  bool MayLeadTo(const std::set<Mark>& marks, const MarkRule& rule) const;

 private:
  bool Feeds(const MarkRule& rule, Mark mark) const;

  std::map<Mark, std::vector<const MarkRule*>> whole_;        // by mark
  std::vector<const MarkRule*> partial_;                      // those that keep other bits
  std::map<std::pair<Mark, Mark>, const MarkRule*> changes_;  // of these one of each mark and mask
  Marked all_;
  Marked anywhere_;  // by rules that are for no single host
  std::map<Address, Marked> to_host_;
};

Feeders::Feeders(const std::vector<MarkRule>& rules) {
  for (const MarkRule& rule : rules) {
    if (rule.hook == netfilter::Hook::kOutput) continue;
    if (rule.mask == kAllBits) {
      whole_[rule.mark].push_back(&rule);
    } else {
      partial_.push_back(&rule);
      changes_.emplace(std::pair(rule.mark, rule.mask), &rule);
    }
    const Address* const host = HostOf(rule);
    (host == nullptr ? anywhere_ : to_host_[*host]).Add(rule);
    all_.Add(rule);
  }
}

// The rules for the same packets count, by their destination: where ports differ, it may feed.
bool Feeders::Feeds(const MarkRule& rule, Mark mark) const {
  if (!Agrees(rule, mark)) return false;
  const Address* const host = HostOf(rule);
  const Marked& same = host == nullptr ? all_ : to_host_.at(*host);
  const Bits others = same.together | anywhere_.together;
  const auto makes = [&](Mark before) { return Makes(rule, mark, before, others); };
  return makes(0) || std::ranges::any_of(same.by_one, makes) ||
         std::ranges::any_of(anywhere_.by_one, makes);
}

bool Feeders::Feed(Mark mark) const {
  return whole_.contains(mark) ||
         std::ranges::any_of(partial_, [&](const MarkRule* rule) { return Feeds(*rule, mark); });
}

std::vector<Address> Feeders::HostsOf(Mark mark) const {
  std::set<Address> hosts;
  if (const auto found = whole_.find(mark); found != whole_.end()) {
    for (const MarkRule* const rule : found->second) {
      if (const Address* const host = HostOf(*rule)) hosts.insert(*host);
    }
  }
  for (const MarkRule* const rule : partial_) {
    const Address* const host = HostOf(*rule);
    if (host != nullptr && Feeds(*rule, mark)) hosts.insert(*host);
  }
  return {hosts.begin(), hosts.end()};
}

std::set<Mark> Feeders::WholeMarks() const {
  std::set<Mark> marks;
  for (const auto& [mark, rules] : whole_) marks.insert(mark);
  return marks;
}

bool Feeders::MayLeadTo(const std::set<Mark>& marks, const MarkRule& rule) const {
  if (rule.mask != kAllBits) {  // the bits that it keeps may come from where nobody can look
    return std::ranges::any_of(marks, [&](Mark mark) { return Agrees(rule, mark); });
  }
  return marks.contains(rule.mark) || std::ranges::any_of(changes_, [&](const auto& change) {
           return marks.contains(After(*change.second, rule.mark));
         });
}

// Absent: the rules could not be read.
std::optional<Feeders> FeedersOf(const Facts& facts, AddressFamily family) {
  const std::optional<MarkRules>& rules = facts.mark_rules[Position(family)];
  return rules ? std::optional<Feeders>(rules->rules) : std::nullopt;
}

// Where a VIP is meant to be.
enum class Place {
  kUnknown,
  kOther,  // on the other director
  kHere,
  kEither  // the directors share them, and whose is whose is not told
};

Place PlaceOfVips(const Facts& facts) {
  if (!facts.director) return Place::kUnknown;
  const director::Snapshot& director = *facts.director;
  if (director.conclusion.role == director::Role::kUnknown) return Place::kUnknown;
  if (director.conclusion.role != director::Role::kMaster) return Place::kOther;
  const director::Evidence evidence = director.conclusion.evidence;
  const bool is_shared =
      (evidence == director::Evidence::kVip && director.directors > 1) ||
      (evidence == director::Evidence::kVrrp && director::HasMixedRoles(director.instances));
  return is_shared ? Place::kEither : Place::kHere;
}

// A shared one that is not here may be on the other director: who sees both must tell
// (LVSVIPNotBound).
void LookForLocalVip(std::optional<bool> is_local, const std::string& subject, Place meant,
                     Notebook& notebook) {
  if (meant == Place::kUnknown) return notebook.AddUnknown(subject);
  if (meant == Place::kEither && is_local && !*is_local) return;
  notebook.AddIf(subject, is_local, !is_local.value_or(true));
}

void LookForVipsOfMarks(const Facts& facts, AddressFamily family, Place meant, Notebook& notebook) {
  const std::optional<Feeders> feeders = FeedersOf(facts, family);
  for (const Mark mark : MarksOfServices(facts, family)) {
    const std::string subject = SubjectOf(mark, family);
    if (!feeders) {
      notebook.AddUnknown(subject);
      continue;
    }
    for (const Address& host : feeders->HostsOf(mark)) {
      LookForLocalVip(IsLocal(facts, host, mark), subject + " to " + ToString(host), meant,
                      notebook);
    }
  }
}

}  // namespace

std::map<MarkKey, std::vector<Address>> FedAddresses(const Facts& facts) {
  std::map<MarkKey, std::vector<Address>> fed;
  for (const AddressFamily family : kFamilies) {
    const std::optional<Feeders> feeders = FeedersOf(facts, family);
    if (!feeders) continue;
    std::set<Mark> marks = MarksOfServices(facts, family);
    marks.merge(feeders->WholeMarks());
    for (const Mark mark : marks) {
      std::vector<Address> hosts = feeders->HostsOf(mark);
      if (!hosts.empty()) fed[{family, mark}] = std::move(hosts);
    }
  }
  return fed;
}

void LookAtMarkServices(const Facts& facts, Notebook& notebook) {
  for (const AddressFamily family : kFamilies) {
    const std::optional<Feeders> feeders = FeedersOf(facts, family);
    for (const Mark mark : MarksOfServices(facts, family)) {
      const bool is_fed = feeders && feeders->Feed(mark);
      const bool is_clear =
          feeders && (is_fed || facts.mark_rules[Position(family)]->unclear.empty());
      notebook.AddIf(SubjectOf(mark, family), is_clear, !is_fed);
    }
  }
}

void LookAtMarkRules(const Facts& facts, Notebook& notebook) {
  std::map<std::string, bool> failed;  // by subject: whether any rule of the mark leads nowhere
  for (const AddressFamily family : kFamilies) {
    const std::optional<Feeders> feeders = FeedersOf(facts, family);
    if (!feeders) continue;
    const std::set<Mark> marks = MarksOfServices(facts, family);
    for (const MarkRule& rule : facts.mark_rules[Position(family)]->rules) {
      if (rule.mark == 0 || !ConcernsIpvs(facts, rule)) continue;
      failed[SubjectOf(rule.mark, family)] |= !feeders->MayLeadTo(marks, rule);
    }
  }
  for (const auto& [subject, has_failed] : failed) notebook.Add(subject, has_failed);
}

void LookForLocalVips(const Facts& facts, Notebook& notebook) {
  const Place meant = PlaceOfVips(facts);
  if (meant == Place::kOther) return;
  for (const ipvs::Service& service : facts.table->services) {
    if (IsMark(service)) continue;
    LookForLocalVip(IsLocal(facts, service.key.address, 0), ToString(service.key), meant, notebook);
  }
  for (const AddressFamily family : kFamilies) {
    LookForVipsOfMarks(facts, family, meant, notebook);
  }
}

}  // namespace lvs::audit
