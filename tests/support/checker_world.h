// A small language for tests of the checker: addresses, kernel tables, probes and results.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/checker/configuration.h"
#include "collectors/checker/ledger.h"
#include "collectors/ipvs/table.h"
#include "collectors/probes/run.h"
#include "tests/support/ip.h"

namespace lvs::fake {

inline ipvs::ServiceKey Tcp(const std::string& address, std::uint16_t port) {
  return {Ip(address), ipvs::Protocol::kTcp, port, 0};
}

inline ipvs::ServiceKey Mark(std::uint32_t fwmark) {
  return {Address{}, ipvs::Protocol::kFwmark, 0, fwmark};
}

// A kernel table, built service by service:
//
//     KernelTable().Service(Tcp("10.0.0.1", 80)).Backend("10.1.0.1", 80).Backend("10.1.0.2", 80, 0)
class KernelTable {
 public:
  KernelTable& Service(const ipvs::ServiceKey& key) {
    ipvs::Service service;
    service.key = key;
    service.scheduler = "rr";
    table_.services.push_back(service);
    table_.services_known = true;
    table_.up = true;
    return *this;
  }
  // Of the last service.
  KernelTable& Backend(const std::string& address, std::uint16_t port, std::uint64_t weight = 1,
                       ipvs::ForwardMethod forward = ipvs::ForwardMethod::kRoute) {
    ipvs::Backend backend;
    backend.key = {Ip(address), port};
    backend.weight = weight;
    backend.forward = forward;
    table_.services.back().backends.push_back(backend);
    return *this;
  }
  KernelTable& Sysctl(std::string name, std::int64_t value) {
    table_.sysctls.push_back({std::move(name), value});
    return *this;
  }

  const ipvs::Table& table() const { return table_; }
  std::shared_ptr<const ipvs::Table> Share() const {
    return std::make_shared<const ipvs::Table>(table_);
  }

 private:
  ipvs::Table table_;
};

inline checker::ProbePointer Prepared(probes::Probe probe) {
  auto prepared = probes::PreparedProbe::Prepare(std::move(probe));
  return prepared.ok() ? prepared.value() : nullptr;
}

inline probes::Probe ProbeOf(std::string name, probes::ProbeType type) {
  probes::Probe probe;
  probe.name = std::move(name);
  probe.type = type;
  if (type == probes::ProbeType::kIcmp) probe.gating = false;
  return probe;
}

inline probes::RunResult Success() {
  probes::RunResult result;
  result.outcome = probes::Outcome::kSuccess;
  result.total = std::chrono::milliseconds(3);
  return result;
}

inline probes::RunResult Failure(probes::Reason reason, std::string detail = "") {
  probes::RunResult result = probes::Failed(reason, std::move(detail));
  result.total = std::chrono::milliseconds(3);
  return result;
}

}  // namespace lvs::fake
