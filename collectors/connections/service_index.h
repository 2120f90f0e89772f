// The kernel's services and backends, arranged so that what a row belongs to is found by a few hash
// lookups.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/address.h"
#include "collectors/connections/key_map.h"
#include "collectors/ipvs/table.h"

namespace lvs::connections {

// Positions below stand for services in ipvs::Table::services, and for backends counted through all
// services in their order.
inline constexpr std::uint32_t kNone = KeyMap::kAbsent;
inline constexpr std::uint32_t kMany = kNone - 1;  // more than one, so that none can be named

// Kinds of persistence templates, and those that are bound to nothing.
enum class TemplateType : std::uint8_t { kPpc, kPfwmc, kPcc, kFtp, kOrphan };
inline constexpr std::string_view kTemplateTypeNames[] = {"ppc", "pfwmc", "pcc", "ftp", "orphan"};
inline constexpr std::size_t kTemplateTypes = std::size(kTemplateTypeNames);

// The kind that the templates of a service have.
TemplateType TemplateTypeOf(const ipvs::ServiceKey& key);

struct IndexedService {
  TemplateType type = TemplateType::kPpc;
  bool persistent = false;
  std::uint16_t port = 0;
  std::uint32_t first_backend = 0;
};

struct IndexedBackend {
  std::uint32_t service = 0;
  bool drained = false;  // weight 0
  bool masqueraded = false;
};

// The backends that a row may belong to by what is looked up of it.
struct Candidates {
  std::uint32_t service = kNone;  // of all of them, or kMany
  std::uint32_t backend = kNone;  // the only one, or kMany
  bool drained = true;            // all of them have weight 0
  bool masqueraded = false;       // one of them is
};

// Immutable once made; knows nothing of the table afterwards.
class ServiceIndex {
 public:
  explicit ServiceIndex(const ipvs::Table& table);

  std::size_t service_count() const { return services_.size(); }
  std::size_t backend_count() const { return backends_.size(); }
  const IndexedService& service(std::uint32_t position) const { return services_[position]; }
  const IndexedBackend& backend(std::uint32_t position) const { return backends_[position]; }

  // The service, or kNone. protocol: an IP protocol number.
  std::uint32_t FindService(std::uint8_t protocol, const Address& address,
                            std::uint16_t port) const;
  std::uint32_t FindMark(AddressFamily family, std::uint32_t mark) const;

  // The backend of a service with this address and port, or kNone.
  std::uint32_t FindBackend(std::uint32_t service, const Address& address,
                            std::uint16_t port) const;

  // The backends of a service with this address, whatever their port: a number for candidates(), or
  // kNone.
  std::uint32_t FindOnAddress(std::uint32_t service, const Address& address) const;

  // The mark services of a family that a connection to this backend may belong to: they contain the
  // address with this port or port 0, or they are persistent and contain the address.
  struct OfMarks {
    std::uint32_t service = kNone;  // or kMany
    // Numbers for candidates(), kNone where there are none.
    std::array<std::uint32_t, 2> candidates = {kNone, kNone};
  };
  OfMarks FindMarkOf(AddressFamily family, const Address& backend, std::uint16_t port) const;

  std::size_t candidates_count() const { return candidates_.size(); }
  const Candidates& candidates(std::uint32_t number) const { return candidates_[number]; }
  // All of them.
  std::span<const std::uint32_t> BackendsOf(std::uint32_t number) const;

  // What is known of the persistent services on one protocol and address, whatever their port.
  struct OnVip {
    bool one_type = false;          // there are some, all of one type
    TemplateType type{};            // that type
    std::uint32_t service = kNone;  // or kMany
    // Those among them that contain the backend's address: kNone, kMany.
    std::uint32_t containing = kNone;
  };
  OnVip FindPersistent(std::uint8_t protocol, const Address& vip, const Address& backend) const;

 private:
  struct Vip {
    TemplateType type{};
    bool one_type = true;
    std::uint32_t service = kNone;  // or kMany
  };

  void Add(const ipvs::Service& service);
  // One backend more, of those whose number is at entry.
  void AddCandidate(std::uint32_t& entry, std::uint32_t service, std::uint32_t backend);
  void AddBackend(std::uint32_t position, const ipvs::Service& service,
                  const ipvs::Backend& backend);
  // The number of the VIP's entry in vips_, after service was added to it.
  std::uint32_t AddToVip(std::uint32_t position, const ipvs::ServiceKey& key);

  std::vector<IndexedService> services_;
  std::vector<IndexedBackend> backends_;
  std::vector<Candidates> candidates_;
  std::vector<std::vector<std::uint32_t>> several_;  // by candidates_: empty where there is but one
  std::vector<Vip> vips_;
  KeyMap service_of_;     // (address, protocol, port)
  KeyMap mark_;           // (family, mark)
  KeyMap backend_of_;     // (address, service, port)
  KeyMap address_of_;     // (address, service) to candidates_
  KeyMap vip_of_;         // (address, protocol) to vips_
  KeyMap contains_;       // (backend's address, number of the VIP) to service or kMany
  KeyMap mark_by_port_;   // (backend's address, family, port) to candidates_
  KeyMap mark_any_port_;  // (backend's address, family) to candidates_
};

}  // namespace lvs::connections
