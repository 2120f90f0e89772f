#include "collectors/netfilter/chains.h"

#include <utility>

namespace lvs::netfilter {
namespace {

template <class Value>
void RequireRanges(std::optional<Ranges<Value>>& known, Ranges<Value> required, bool& narrowed) {
  Normalize(required);
  if (known) required = Intersect(*known, required);
  if (required.size() <= Conditions::kMaxRanges) {
    known = std::move(required);
  } else {
    narrowed = true;
  }
}

template <class Value>
bool Nothing(const std::optional<Ranges<Value>>& ranges) {
  return ranges && ranges->empty();
}

}  // namespace

bool Conditions::none() const {
  return !family && !destinations && !protocols && !ports && !narrowed;
}

bool Conditions::impossible() const {
  return Nothing(destinations) || Nothing(protocols) || Nothing(ports);
}

std::size_t Conditions::size() const {
  return (destinations ? destinations->size() : 0) + (protocols ? protocols->size() : 0) +
         (ports ? ports->size() : 0);
}

void Conditions::RequireFamily(AddressFamily required) {
  if (family && *family != required) protocols.emplace();
  family = required;
}

void Conditions::RequireDestinations(Ranges<Address> ranges) {
  RequireRanges(destinations, std::move(ranges), narrowed);
}

void Conditions::RequireProtocols(Ranges<std::uint8_t> ranges) {
  RequireRanges(protocols, std::move(ranges), narrowed);
}

void Conditions::RequirePorts(Ranges<std::uint16_t> ranges) {
  RequireRanges(ports, std::move(ranges), narrowed);
}

void Conditions::Require(const Conditions& others) {
  narrowed = narrowed || others.narrowed;
  if (others.family) RequireFamily(*others.family);
  if (others.destinations) RequireDestinations(*others.destinations);
  if (others.protocols) RequireProtocols(*others.protocols);
  if (others.ports) RequirePorts(*others.ports);
}

std::string Printable(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace lvs::netfilter
