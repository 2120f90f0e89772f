#include "exporter/status_page/share.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <string_view>

namespace lvs::status {
namespace {

bool IsOneOf(std::string_view scheduler, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, scheduler) != names.end();
}

std::vector<std::optional<double>> Normalised(
    const ipvs::Service& service, const std::function<double(const ipvs::Backend&)>& amount) {
  std::vector<double> amounts;
  std::ranges::transform(service.backends, std::back_inserter(amounts), amount);
  const double sum = std::accumulate(amounts.begin(), amounts.end(), 0.0);
  std::vector<std::optional<double>> shares(amounts.size());
  if (sum <= 0) return shares;
  std::ranges::transform(amounts, shares.begin(), [&](double part) { return part / sum; });
  return shares;
}

}  // namespace

// net/netfilter/ipvs/ip_vs_*.c: rr, lc and dh ask only whether a weight is 0; fo and ovf take the
// one with the greatest weight until it is down or full.
std::vector<std::optional<double>> PromisedShares(const ipvs::Service& service) {
  if (IsOneOf(service.scheduler, {"fo", "ovf", "none"})) {
    return std::vector<std::optional<double>>(service.backends.size());
  }
  const bool is_even = IsOneOf(service.scheduler, {"rr", "lc", "dh"});
  return Normalised(service, [&](const ipvs::Backend& backend) {
    return is_even ? (backend.weight > 0 ? 1.0 : 0.0) : static_cast<double>(backend.weight);
  });
}

std::vector<std::optional<double>> CountedShares(const ipvs::Service& service) {
  return Normalised(service, [](const ipvs::Backend& backend) {
    return backend.counters ? static_cast<double>(backend.counters->connections) : 0.0;
  });
}

}  // namespace lvs::status
