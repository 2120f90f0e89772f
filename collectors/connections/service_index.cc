#include "collectors/connections/service_index.h"

namespace lvs::connections {
namespace {

constexpr std::uint16_t kFtpPort = 21;

std::uint64_t Packed(std::uint64_t number, std::uint16_t port) { return number << 16 | port; }

std::uint64_t Number(AddressFamily family) { return static_cast<std::uint64_t>(family); }

Key MarkKey(AddressFamily family, std::uint32_t mark) {
  return {Address{.family = family, .bytes = {}}, mark};
}

// One service more, of those that share a key.
void AddTo(std::uint32_t& one, std::uint32_t service) {
  one = one == kNone || one == service ? service : kMany;
}

bool IsMark(const ipvs::ServiceKey& key) { return key.protocol == ipvs::Protocol::kFwmark; }

}  // namespace

TemplateType TemplateTypeOf(const ipvs::ServiceKey& key) {
  if (IsMark(key)) return TemplateType::kPfwmc;
  if (key.port == 0) return TemplateType::kPcc;
  return key.port == kFtpPort ? TemplateType::kFtp : TemplateType::kPpc;
}

ServiceIndex::ServiceIndex(const ipvs::Table& table) {
  services_.reserve(table.services.size());
  for (const ipvs::Service& service : table.services) Add(service);
}

void ServiceIndex::Add(const ipvs::Service& service) {
  const auto position = static_cast<std::uint32_t>(services_.size());
  const ipvs::ServiceKey& key = service.key;
  const bool persistent = (service.flags & ipvs::kServicePersistent) != 0;
  services_.push_back({.type = TemplateTypeOf(key),
                       .persistent = persistent,
                       .port = key.port,
                       .first_backend = static_cast<std::uint32_t>(backends_.size())});
  if (IsMark(key)) {
    mark_[MarkKey(key.address.family, key.fwmark)] = position;
  } else {
    const auto protocol = static_cast<std::uint64_t>(key.protocol);
    service_of_[{key.address, Packed(protocol, key.port)}] = position;
  }
  const bool on_vip = persistent && !IsMark(key);
  const std::uint32_t vip = on_vip ? AddToVip(position, key) : kNone;
  for (const ipvs::Backend& backend : service.backends) {
    AddBackend(position, service, backend);
    if (on_vip) AddTo(contains_[{backend.key.address, vip}], position);
  }
}

std::uint32_t ServiceIndex::AddToVip(std::uint32_t position, const ipvs::ServiceKey& key) {
  std::uint32_t& number = vip_of_[{key.address, static_cast<std::uint64_t>(key.protocol)}];
  if (number == kNone) {
    number = static_cast<std::uint32_t>(vips_.size());
    vips_.push_back({.type = TemplateTypeOf(key), .one_type = true, .service = kNone});
  }
  Vip& vip = vips_[number];
  vip.one_type = vip.one_type && vip.type == TemplateTypeOf(key);
  AddTo(vip.service, position);
  return number;
}

void ServiceIndex::AddBackend(std::uint32_t position, const ipvs::Service& service,
                              const ipvs::Backend& backend) {
  const auto number = static_cast<std::uint32_t>(backends_.size());
  const Address& address = backend.key.address;
  const bool drained = backend.weight == 0;
  backends_.push_back({.service = position,
                       .drained = drained,
                       .masqueraded = backend.forward == ipvs::ForwardMethod::kMasquerade});
  backend_of_[{address, Packed(position, backend.key.port)}] = number;

  AddCandidate(address_of_[{address, position}], position, number);
  if (!IsMark(service.key)) return;
  const std::uint64_t family = Number(service.key.address.family);
  if (services_[position].persistent || backend.key.port == 0) {
    AddCandidate(mark_any_port_[{address, family}], position, number);
  } else {
    AddCandidate(mark_by_port_[{address, Packed(family, backend.key.port)}], position, number);
  }
}

void ServiceIndex::AddCandidate(std::uint32_t& entry, std::uint32_t service,
                                std::uint32_t backend) {
  if (entry == kNone) {
    entry = static_cast<std::uint32_t>(candidates_.size());
    candidates_.emplace_back();
    several_.emplace_back();
  }
  Candidates& candidates = candidates_[entry];
  std::vector<std::uint32_t>& several = several_[entry];
  if (candidates.backend != kNone) {
    if (several.empty()) several.push_back(candidates.backend);
    several.push_back(backend);
  }
  candidates.backend = candidates.backend == kNone ? backend : kMany;
  AddTo(candidates.service, service);
  candidates.drained = candidates.drained && backends_[backend].drained;
  candidates.masqueraded = candidates.masqueraded || backends_[backend].masqueraded;
}

std::uint32_t ServiceIndex::FindService(std::uint8_t protocol, const Address& address,
                                        std::uint16_t port) const {
  return service_of_.Find({address, Packed(protocol, port)});
}

std::uint32_t ServiceIndex::FindMark(AddressFamily family, std::uint32_t mark) const {
  return mark_.Find(MarkKey(family, mark));
}

std::uint32_t ServiceIndex::FindBackend(std::uint32_t service, const Address& address,
                                        std::uint16_t port) const {
  return backend_of_.Find({address, Packed(service, port)});
}

std::uint32_t ServiceIndex::FindOnAddress(std::uint32_t service, const Address& address) const {
  return address_of_.Find({address, service});
}

ServiceIndex::OfMarks ServiceIndex::FindMarkOf(AddressFamily family, const Address& backend,
                                               std::uint16_t port) const {
  OfMarks found;
  found.candidates = {mark_any_port_.Find({backend, Number(family)}),
                      mark_by_port_.Find({backend, Packed(Number(family), port)})};
  for (const std::uint32_t number : found.candidates) {
    if (number != kNone) AddTo(found.service, candidates_[number].service);
  }
  return found;
}

std::span<const std::uint32_t> ServiceIndex::BackendsOf(std::uint32_t number) const {
  const std::vector<std::uint32_t>& several = several_[number];
  return several.empty() ? std::span(&candidates_[number].backend, 1) : std::span(several);
}

ServiceIndex::OnVip ServiceIndex::FindPersistent(std::uint8_t protocol, const Address& vip,
                                                 const Address& backend) const {
  const std::uint32_t number = vip_of_.Find({vip, protocol});
  if (number == kNone) return {};
  const Vip& found = vips_[number];
  return {.one_type = found.one_type,
          .type = found.type,
          .service = found.service,
          .containing = contains_.Find({backend, number})};
}

}  // namespace lvs::connections
