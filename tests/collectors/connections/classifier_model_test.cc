// The classifier beside a model that is slow and written in another way: for every service it asks
// whether the row may be one of its own, from the rules of how the kernel makes entries.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <tuple>
#include <vector>

#include "collectors/connections/classifier.h"
#include "collectors/ipvs/words.h"
#include "tests/support/connections_world.h"

namespace lvs::connections {
namespace {

using ipvs::Backend;
using ipvs::Service;
using ipvs::Table;

// What is compared: kind, type, status, drained, binding, service and backend (-1: none).
using Verdict = std::tuple<bool, std::string, std::string, bool, Binding, int, int>;

bool Persistent(const Service& service) { return ipvs::PersistenceKind(service) != "none"; }
bool IsMark(const Service& service) { return service.key.protocol == ipvs::Protocol::kFwmark; }

std::string KindOf(Service service) {
  service.flags |= ipvs::kServicePersistent;
  return std::string(ipvs::PersistenceKind(service));
}

class Model {
 public:
  Model(const Table& table, const Row& row, const ClassifierRules& rules)
      : table_(table), row_(row), rules_(rules) {}

  using Positions = std::vector<int>;

  Verdict Ask() const { return LooksLikeATemplate() ? AskTemplate() : AskConnection(); }

  // The services to one of which a connection belongs when it does not show to which.
  Positions Unsure() const {
    return LooksLikeATemplate() ? Positions() : CandidatesOfConnection().unsure;
  }

 private:
  template <class Predicate>
  Positions ServicesWhere(Predicate predicate) const {
    Positions found;
    for (std::size_t i = 0; i < table_.services.size(); ++i) {
      if (predicate(table_.services[i])) found.push_back(static_cast<int>(i));
    }
    return found;
  }

  // Backends of a service, counted through all services.
  template <class Predicate>
  Positions BackendsWhere(int service, Predicate predicate) const {
    int position = 0;
    for (int i = 0; i < service; ++i) position += static_cast<int>(At(i).backends.size());
    Positions found;
    for (const Backend& backend : At(service).backends) {
      if (predicate(backend)) found.push_back(position);
      ++position;
    }
    return found;
  }

  const Service& At(int service) const {
    return table_.services[static_cast<std::size_t>(service)];
  }

  const Backend& BackendAt(int position) const {
    std::size_t rest = static_cast<std::size_t>(position);
    for (const Service& service : table_.services) {
      if (rest < service.backends.size()) return service.backends[rest];
      rest -= service.backends.size();
    }
    throw std::out_of_range("backend");
  }

  bool OnVip(const Service& service) const {
    return !IsMark(service) && service.key.address == row_.virtual_address &&
           static_cast<int>(service.key.protocol) == row_.protocol;
  }

  bool LooksLikeATemplate() const {
    if (row_.client_port > 0) return false;
    std::set<State> states = {State::kAssured, State::kNone};
    if (rules_.template_states == ClassifierRules::TemplateStates::kAlsoUdp) {
      states.insert(State::kUdp);
    }
    return row_.protocol == 0 || row_.has_engine || states.contains(row_.state);
  }

  bool LostItsPorts() const {
    if (row_.virtual_port != 65535 || row_.destination_port != 65535) return false;
    if (row_.protocol == 0) return true;
    return ServicesWhere([&](const Service& service) {
             return OnVip(service) && service.key.port == 65535 &&
                    std::ranges::any_of(service.backends, [&](const Backend& backend) {
                      return backend.key == ipvs::BackendKey{row_.destination, 65535};
                    });
           })
        .empty();
  }

  // The services whose templates look like this row's, and the keys that their backends must have.
  Verdict AskTemplate() const {
    const bool lost = LostItsPorts();
    const std::string status =
        lost ? "invalidated" : (row_.state == State::kAssured ? "assured" : "unassured");
    Positions candidates;
    if (row_.protocol == 0) {
      candidates = ServicesWhere([&](const Service& service) {
        const auto& bytes = row_.virtual_address.bytes;
        const std::uint32_t mark =
            bytes[0] * 0x1000000U + bytes[1] * 0x10000U + bytes[2] * 0x100U + bytes[3];
        return IsMark(service) && service.key.address.family == row_.family &&
               service.key.fwmark == mark;
      });
    } else if (lost) {
      return AskLost(status);
    } else if (row_.virtual_port > 0) {
      candidates = ServicesWhere([&](const Service& service) {
        return OnVip(service) && service.key.port == row_.virtual_port;
      });
    } else {
      for (const int port : {0, 21}) {
        if (!candidates.empty() || (port == 21 && row_.protocol != 6)) break;
        candidates = ServicesWhere([&](const Service& service) {
          return OnVip(service) && Persistent(service) && service.key.port == port;
        });
      }
    }
    if (candidates.empty()) return Orphan(true, status, -1);
    const int service = candidates.front();
    const bool with_port = row_.protocol != 0 && row_.virtual_port > 0;
    // One of another director was bound, if at all, by its ports: none.
    const bool synchronised = !with_port && row_.origin == Origin::kSync;
    const Positions backends = BackendsWhere(service, [&](const Backend& backend) {
      return backend.key.address == row_.destination &&
             (!with_port || backend.key.port == row_.destination_port) &&
             (!synchronised || backend.key.port == 0);
    });
    const bool is_ftp = synchronised && !IsMark(At(service)) && At(service).key.port == 21;
    if (backends.empty() || is_ftp) return Orphan(true, status, service);
    return BoundTemplate(status, service, backends);
  }

  Verdict AskLost(const std::string& status) const {
    const Positions around = ServicesWhere(
        [&](const Service& service) { return OnVip(service) && Persistent(service); });
    std::set<std::string> kinds;
    Positions holders;
    for (const int service : around) {
      kinds.insert(KindOf(At(service)));
      if (!OnAddress(service).empty()) holders.push_back(service);
    }
    if (kinds.size() != 1 || holders.empty()) {
      return Orphan(true, status, around.size() == 1 ? around.front() : -1);
    }
    if (holders.size() > 1) {
      return {true, *kinds.begin(), status, false, Binding::kAmbiguous, -1, -1};
    }
    return BoundTemplate(status, holders.front(), OnAddress(holders.front()));
  }

  Positions OnAddress(int service) const {
    return BackendsWhere(
        service, [&](const Backend& backend) { return backend.key.address == row_.destination; });
  }

  Verdict BoundTemplate(const std::string& status, int service, const Positions& backends) const {
    const bool drained = std::ranges::all_of(
        backends, [&](int position) { return BackendAt(position).weight == 0; });
    return {true,
            KindOf(At(service)),
            status,
            drained,
            Binding::kBound,
            service,
            backends.size() == 1 ? backends.front() : -1};
  }

  static Verdict Orphan(bool is_template, const std::string& status, int service) {
    return {is_template, is_template ? "orphan" : "", status, false, Binding::kOrphan, service, -1};
  }

  bool MasqueradesTo(const Service& service) const {
    return std::ranges::any_of(service.backends, [&](const Backend& backend) {
      return backend.key.address == row_.destination &&
             backend.forward == ipvs::ForwardMethod::kMasquerade;
    });
  }

  // Whether the kernel may have made this row's entry for a backend of a service.
  bool MayUse(const Service& service, const Backend& backend) const {
    if (backend.key.address != row_.destination) return false;
    const bool other_port = service.key.port != row_.virtual_port;
    if (Persistent(service) && (other_port || IsMark(service))) return true;
    if (other_port && !IsMark(service) && service.key.port == 21) return true;
    return FitsPort(backend);
  }

  bool FitsPort(const Backend& backend) const {
    return backend.key.port == 0 || backend.key.port == row_.destination_port;
  }

  // An entry of another director is bound by its port or by none.
  bool IsBoundTo(const Service& service, const Backend& backend) const {
    return MayUse(service, backend) && (row_.origin != Origin::kSync || FitsPort(backend));
  }

  bool Holds(int service) const {
    return std::ranges::any_of(At(service).backends,
                               [&](const Backend& b) { return IsBoundTo(At(service), b); });
  }

  struct Owners {
    Positions services;
    Positions unsure;
  };

  Owners CandidatesOfConnection() const {
    Positions candidates;
    const bool may_be_ftp =
        row_.protocol == 6 &&
        (row_.virtual_port == 20 || row_.virtual_port >= rules_.first_unprivileged_port);
    for (const int step : {1, 2, 3}) {
      if (!candidates.empty() || (step == 2 && !may_be_ftp)) continue;
      candidates = ServicesWhere([&](const Service& service) {
        if (!OnVip(service)) return false;
        if (step == 1) return service.key.port == row_.virtual_port;
        if (step == 3) return service.key.port == 0;
        return service.key.port == 21 && (Persistent(service) || MasqueradesTo(service));
      });
    }
    if (!candidates.empty() && Holds(candidates.front())) return {candidates, {}};
    const Positions marks = ServicesWhere([&](const Service& service) {
      return IsMark(service) && service.key.address.family == row_.family &&
             std::ranges::any_of(service.backends,
                                 [&](const Backend& b) { return MayUse(service, b); });
    });
    if (marks.empty()) return {candidates, {}};
    if (marks.size() > 1 || !candidates.empty()) return {{}, marks};
    return {marks, {}};
  }

  Verdict AskConnection() const {
    const auto [candidates, unsure] = CandidatesOfConnection();
    if (!unsure.empty()) return {false, "", "", false, Binding::kAmbiguous, -1, -1};
    if (candidates.empty()) return Orphan(false, "", -1);
    const int service = candidates.front();
    const Positions backends = BackendsWhere(
        service, [&](const Backend& backend) { return IsBoundTo(At(service), backend); });
    if (backends.empty()) return Orphan(false, "", service);
    return {false,
            "",
            "",
            false,
            Binding::kBound,
            service,
            backends.size() == 1 ? backends.front() : -1};
  }

  const Table& table_;
  const Row& row_;
  const ClassifierRules& rules_;
};

Verdict AsVerdict(const Classification& c) {
  const auto position = [](std::uint32_t found) {
    return found == kNone ? -1 : static_cast<int>(found);
  };
  return {
      c.is_template,
      c.is_template ? std::string(kTemplateTypeNames[static_cast<std::size_t>(c.type)]) : "",
      c.is_template ? std::string(kTemplateStatusNames[static_cast<std::size_t>(c.status)]) : "",
      c.drained,
      c.binding,
      position(c.service),
      position(c.backend)};
}

// The services of the backends among which a connection is that is ambiguous.
std::vector<int> UnsureServices(const Classification& c, const ServiceIndex& index) {
  std::set<int> services;
  if (c.is_template || c.binding != Binding::kAmbiguous) return {};
  for (const std::uint32_t number : c.among) {
    if (number == kNone) continue;
    for (const std::uint32_t backend : index.BackendsOf(number)) {
      services.insert(static_cast<int>(index.backend(backend).service));
    }
  }
  return {services.begin(), services.end()};
}

// Few values of each kind, so that everything meets everything.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  template <class T>
  T Of(std::initializer_list<T> values) {
    return values.begin()[random_() % values.size()];
  }
  bool OneIn(unsigned n) { return random_() % n == 0; }

  Address Vip(AddressFamily family) {
    return family == AddressFamily::kIpv4 ? fake::Ip(Of({"10.0.0.1", "10.0.0.2"}))
                                          : fake::Ip(Of({"2001:db8::1", "2001:db8::2"}));
  }
  Address Server(AddressFamily family) {
    if (OneIn(8)) family = AddressFamily::kIpv6;
    return family == AddressFamily::kIpv4
               ? fake::Ip(Of({"10.1.0.1", "10.1.0.2", "10.1.0.3"}))
               : fake::Ip(Of({"2001:db8::11", "2001:db8::12", "2001:db8::13"}));
  }
  AddressFamily Family() { return Of({AddressFamily::kIpv4, AddressFamily::kIpv6}); }
  std::uint16_t Port() { return Of<std::uint16_t>({0, 20, 21, 80, 1023, 1024, 8080, 65535}); }

  Table MakeTable() {
    Table table;
    std::set<ipvs::ServiceKey> seen;
    const auto services = static_cast<unsigned>(random_() % 8);
    for (unsigned i = 0; i < services; ++i) {
      Service service;
      service.key.address.family = Family();
      if (OneIn(3)) {
        service.key.protocol = ipvs::Protocol::kFwmark;
        service.key.fwmark = Of<std::uint32_t>({1, 2, 0x80000001});
      } else {
        service.key.protocol = Of({ipvs::Protocol::kTcp, ipvs::Protocol::kUdp});
        service.key.address = Vip(service.key.address.family);
        service.key.port = Port();
      }
      if (!OneIn(3)) service.flags = ipvs::kServicePersistent;
      std::set<ipvs::BackendKey> keys;
      for (auto b = random_() % 5; b > 0; --b) {
        Backend backend;
        backend.key = {Server(service.key.address.family), Port()};
        backend.weight = OneIn(3) ? 0 : 1;
        backend.forward = Of({ipvs::ForwardMethod::kMasquerade, ipvs::ForwardMethod::kRoute});
        if (keys.insert(backend.key).second) service.backends.push_back(backend);
      }
      if (seen.insert(service.key).second) table.services.push_back(service);
    }
    return table;
  }

  Row MakeRow() {
    Row row;
    row.family = Family();
    row.protocol = Of<std::uint8_t>({0, 6, 6, 17, 50});
    row.state = Of({State::kNone, State::kAssured, State::kUdp, State::kEstablished, State::kListen,
                    State::kOther});
    row.origin = Of({Origin::kLocal, Origin::kSync});
    row.has_engine = OneIn(10);
    row.client_port = Of<std::uint16_t>({0, 0, 32769});
    row.virtual_port = Port();
    row.destination_port = OneIn(2) ? row.virtual_port : Port();
    if (OneIn(6)) row.virtual_port = row.destination_port = 65535;
    row.destination = Server(row.family);
    row.virtual_address = Vip(row.family);
    if (row.protocol == 0) {
      row.virtual_address = {.family = row.family, .bytes = {}};
      row.virtual_address.bytes[0] = Of<std::uint8_t>({0, 0, 0x80});
      row.virtual_address.bytes[3] = Of<std::uint8_t>({1, 2});
    }
    return row;
  }

 private:
  std::mt19937 random_;
};

TEST(Classifier, AgreesWithASlowModelOnRandomTablesAndRows) {
  Dice dice(42);
  const ClassifierRules rules[] = {{},
                                   {.template_states = ClassifierRules::TemplateStates::kAlsoUdp,
                                    .first_unprivileged_port = 512}};
  std::set<std::tuple<bool, std::string, std::string, bool, Binding>> seen;
  for (int round = 0; round < 3000; ++round) {
    const Table table = dice.MakeTable();
    const ServiceIndex index(table);
    for (int i = 0; i < 60; ++i) {
      const Row row = dice.MakeRow();
      const ClassifierRules& r = rules[i % 2];
      const Model model(table, row, r);
      const Verdict expected = model.Ask();
      const Classification found = Classify(row, index, r);
      ASSERT_EQ(AsVerdict(found), expected) << "round " << round << ", row " << i;
      ASSERT_EQ(UnsureServices(found, index), model.Unsure());
      seen.emplace(std::get<0>(expected), std::get<1>(expected), std::get<2>(expected),
                   std::get<3>(expected), std::get<4>(expected));
    }
  }
  // Every kind was met: 3 of connections; of templates 4 types x 3 statuses, drained or not,
  // orphans in 3 statuses, and ambiguous ones, which are always invalidated and ppc, the only type
  // of which two services can share an address.
  EXPECT_EQ(seen.size(), 3U + 4 * 6 + 3 + 1);
}

}  // namespace
}  // namespace lvs::connections
