#include "collectors/connections/classifier.h"

namespace lvs::connections {
namespace {

constexpr std::uint16_t kLostPort = 0xffff;  // both ports of an invalidated template
constexpr std::uint16_t kFtpPort = 21;
constexpr std::uint16_t kFtpDataPort = 20;

// A client may use port 0, too: such a connection of UDP has the state UDP; an FTP data connection
// that still waits for its client's port has LISTEN.
bool IsTemplate(const Row& row, const ClassifierRules& rules) {
  if (row.client_port != 0) return false;
  if (row.protocol == kNoProtocol || row.has_engine) return true;
  if (row.state == State::kAssured || row.state == State::kNone) return true;
  return row.state == State::kUdp &&
         rules.template_states == ClassifierRules::TemplateStates::kAlsoUdp;
}

// A template of a real service on port 65535 looks the same.
bool IsInvalidated(const Row& row, const ServiceIndex& index) {
  if (row.virtual_port != kLostPort || row.destination_port != kLostPort) return false;
  if (row.protocol == kNoProtocol) return true;
  const std::uint32_t service = index.FindService(row.protocol, row.virtual_address, kLostPort);
  return service == kNone || index.FindBackend(service, row.destination, kLostPort) == kNone;
}

TemplateStatus StatusOf(const Row& row, bool invalidated) {
  if (invalidated) return TemplateStatus::kInvalidated;
  return row.state == State::kAssured ? TemplateStatus::kAssured : TemplateStatus::kUnassured;
}

std::uint32_t MarkOf(const Address& address) {
  return static_cast<std::uint32_t>(address.bytes[0]) << 24 |
         static_cast<std::uint32_t>(address.bytes[1]) << 16 |
         static_cast<std::uint32_t>(address.bytes[2]) << 8 | address.bytes[3];
}

std::uint32_t OneOrNone(std::uint32_t found) { return found == kMany ? kNone : found; }

// What is bound to one of the backends that a service has on an address.
void BindByAddress(const ServiceIndex& index, const Row& row, std::uint32_t service,
                   Classification& result) {
  result.service = service;
  const std::uint32_t number = index.FindOnAddress(service, row.destination);
  if (number == kNone) return;
  const Candidates& found = index.candidates(number);
  result.binding = Binding::kBound;
  result.backend = OneOrNone(found.backend);
  if (result.backend == kNone) result.among[0] = number;
  result.drained = found.drained;
}

void BindByPort(const ServiceIndex& index, const Row& row, std::uint32_t service,
                std::uint16_t port, Classification& result) {
  result.service = service;
  const std::uint32_t found = index.FindBackend(service, row.destination, port);
  if (found == kNone) return;
  result.binding = Binding::kBound;
  result.backend = found;
  result.drained = index.backend(found).drained;
}

// A template without a port. For one that was synchronised the kernel looks for a backend with the
// port of the template, which is 0, however it forwards (ip_vs_find_dest() in ip_vs_ctl.c; seen on
// Linux 6.1): with a port of its own it is never bound.
void BindWithoutPort(const ServiceIndex& index, const Row& row, std::uint32_t service,
                     Classification& result) {
  if (row.origin == Origin::kSync) return BindByPort(index, row, service, 0, result);
  BindByAddress(index, row, service, result);
}

void ClassifyMarkTemplate(const Row& row, const ServiceIndex& index, Classification& result) {
  const std::uint32_t service = index.FindMark(row.family, MarkOf(row.virtual_address));
  if (service != kNone) BindWithoutPort(index, row, service, result);
}

// The port is lost: only the services on the address can tell what it was.
void ClassifyInvalidated(const Row& row, const ServiceIndex& index, Classification& result) {
  const ServiceIndex::OnVip vip =
      index.FindPersistent(row.protocol, row.virtual_address, row.destination);
  result.service = OneOrNone(vip.service);
  if (!vip.one_type || vip.containing == kNone) return;
  if (vip.containing == kMany) {
    result.service = kNone;
    result.binding = Binding::kAmbiguous;
    result.type = vip.type;
    return;
  }
  BindByAddress(index, row, vip.containing, result);
}

// Of a port-0 service, or of an FTP service, whose templates hold no port either. The kernel never
// binds a synchronised one of FTP: port 0 does not lead it to the service on 21.
void ClassifyWithoutPort(const Row& row, const ServiceIndex& index, Classification& result) {
  const std::uint32_t any = index.FindService(row.protocol, row.virtual_address, 0);
  if (any != kNone && index.service(any).persistent) {
    return BindWithoutPort(index, row, any, result);
  }
  if (row.protocol != kTcpNumber) return;
  const std::uint32_t ftp = index.FindService(kTcpNumber, row.virtual_address, kFtpPort);
  if (ftp == kNone || !index.service(ftp).persistent) return;
  result.service = ftp;
  if (row.origin != Origin::kSync) BindByAddress(index, row, ftp, result);
}

Classification ClassifyTemplate(const Row& row, const ServiceIndex& index) {
  Classification result;
  result.is_template = true;
  const bool invalidated = IsInvalidated(row, index);
  result.status = StatusOf(row, invalidated);
  if (row.protocol == kNoProtocol) {
    ClassifyMarkTemplate(row, index, result);
  } else if (invalidated) {
    ClassifyInvalidated(row, index, result);
  } else if (row.virtual_port == 0) {
    ClassifyWithoutPort(row, index, result);
  } else {
    const std::uint32_t service =
        index.FindService(row.protocol, row.virtual_address, row.virtual_port);
    if (service != kNone) BindByPort(index, row, service, row.destination_port, result);
  }
  if (result.binding == Binding::kBound) result.type = index.service(result.service).type;
  return result;
}

bool MayBeFtpData(const Row& row, const ClassifierRules& rules) {
  return row.protocol == kTcpNumber &&
         (row.virtual_port == kFtpDataPort || row.virtual_port >= rules.first_unprivileged_port);
}

// Under masquerading the kernel's FTP helper (ip_vs_ftp.c) binds data connections to the backend of
// their control connection, whatever their ports and whether or not the service is persistent.
bool IsFtpDataTo(const Row& row, const ServiceIndex& index, std::uint32_t ftp) {
  const std::uint32_t number = index.FindOnAddress(ftp, row.destination);
  return number != kNone && index.candidates(number).masqueraded;
}

// In the order in which the kernel looks (ip_vs_service_find() in ip_vs_ctl.c), but for the mark,
// which it tries first and a row does not show.
std::uint32_t ServiceByAddress(const Row& row, const ServiceIndex& index,
                               const ClassifierRules& rules) {
  const std::uint32_t exact =
      index.FindService(row.protocol, row.virtual_address, row.virtual_port);
  if (exact != kNone) return exact;
  if (MayBeFtpData(row, rules)) {
    const std::uint32_t ftp = index.FindService(kTcpNumber, row.virtual_address, kFtpPort);
    if (ftp != kNone && (index.service(ftp).persistent || IsFtpDataTo(row, index, ftp))) return ftp;
  }
  return index.FindService(row.protocol, row.virtual_address, 0);
}

// The port at the backend is the backend's own, or the client's where the backend has none. A
// persistent service uses the backend's only for connections to its own port (ip_vs_sched_persist()
// in ip_vs_core.c); for what was synchronised the kernel finds no backend then.
void BindConnection(const Row& row, const ServiceIndex& index, std::uint32_t service,
                    Classification& result) {
  const IndexedService& found = index.service(service);
  const bool is_mark = found.type == TemplateType::kPfwmc;
  const bool is_other_port = found.port != row.virtual_port;
  const bool is_ftp_data = found.type == TemplateType::kFtp && is_other_port;
  const bool keeps_port = is_ftp_data || (found.persistent && (is_mark || is_other_port));
  if (keeps_port && row.origin != Origin::kSync) {
    return BindByAddress(index, row, service, result);
  }
  BindByPort(index, row, service, row.destination_port, result);
  if (row.destination_port == 0) return;
  const std::uint32_t any_port = index.FindBackend(service, row.destination, 0);
  if (any_port == kNone) return;
  const bool has_both = result.binding == Binding::kBound;
  result.backend = has_both ? kNone : any_port;
  if (has_both) result.among[0] = index.FindOnAddress(service, row.destination);
  result.binding = Binding::kBound;
}

// The mark comes first in the kernel, and may lead to a backend that the service on the address
// lacks: such a connection is the mark's, or one of a backend that was removed from the service.
void BindToMark(const Row& row, const ServiceIndex& index, Classification& result) {
  const ServiceIndex::OfMarks marks =
      index.FindMarkOf(row.family, row.destination, row.destination_port);
  if (marks.service == kNone) return;
  if (marks.service != kMany && result.service == kNone) {
    return BindConnection(row, index, marks.service, result);
  }
  result.service = kNone;
  result.binding = Binding::kAmbiguous;
  result.among = marks.candidates;
}

Classification ClassifyConnection(const Row& row, const ServiceIndex& index,
                                  const ClassifierRules& rules) {
  Classification result;
  const std::uint32_t service = ServiceByAddress(row, index, rules);
  if (service != kNone) BindConnection(row, index, service, result);
  if (result.binding == Binding::kOrphan) BindToMark(row, index, result);
  result.drained = false;
  return result;
}

}  // namespace

Classification Classify(const Row& row, const ServiceIndex& index, const ClassifierRules& rules) {
  return IsTemplate(row, rules) ? ClassifyTemplate(row, index)
                                : ClassifyConnection(row, index, rules);
}

}  // namespace lvs::connections
