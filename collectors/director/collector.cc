#include "collectors/director/collector.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "collectors/director/metrics.h"

namespace lvs::director {
namespace {

VipPlace PlaceOf(const std::optional<std::vector<Vip>>& vips) {
  VipPlace place = VipPlace::kUnknown;
  if (!vips) return place;
  for (const Vip& vip : *vips) {
    if (!vip.is_local) continue;
    const VipPlace one = vip.on_network_card ? VipPlace::kOnCard
                         : *vip.is_local     ? VipPlace::kSilent
                                             : VipPlace::kElsewhere;
    place = std::max(place, one);
  }
  return place;
}

std::optional<ipvs::SyncDaemon::Role> SyncRole(const ipvs::LatestReading* latest) {
  if (latest == nullptr || !latest->current || !latest->table->sync_daemons) return std::nullopt;
  const std::vector<ipvs::SyncDaemon>& daemons = *latest->table->sync_daemons;
  if (daemons.size() != 1) return std::nullopt;
  return daemons[0].role;
}

}  // namespace

std::vector<const MetricInfo*> DescribeDirector() { return DescribeSnapshot(); }

DirectorCollector::DirectorCollector(DirectorSources sources, Published<Snapshot>& published)
    : sources_(std::move(sources)), published_(published), keepalived_(sources_.procfs) {}

std::optional<Clock::duration> DirectorCollector::ReadAgainAfter(Clock::duration took) const {
  constexpr int kShare = 50;  // at most a fiftieth of the time
  return std::max<Clock::duration>(std::chrono::seconds(1), kShare * took);
}

Result<std::vector<Vip>> DirectorCollector::ReadVips(const std::set<Address>& wanted) {
  const auto interfaces = routes_.Interfaces();
  if (!interfaces.ok()) return interfaces.error();
  const auto addresses = routes_.Addresses();
  if (!addresses.ok()) return addresses.error();
  std::map<int, const route::Interface*> by_index;
  for (const route::Interface& interface : interfaces.value()) {
    by_index[interface.index] = &interface;
  }
  std::map<Address, Vip> vips;
  for (const Address& address : wanted) vips[address].address = address;
  for (const route::InterfaceAddress& own : addresses.value()) {
    const auto vip = vips.find(own.address);
    const auto interface = by_index.find(own.interface);
    if (vip == vips.end() || interface == by_index.end()) continue;
    vip->second.interfaces.push_back(interface->second->name);
    vip->second.on_network_card |= !route::IsSilent(*interface->second);
  }
  LookUpRoutes(vips);
  std::vector<Vip> found;
  for (auto& [address, vip] : vips) found.push_back(std::move(vip));
  return found;
}

std::optional<bool> DirectorCollector::IsRoutedHere(const Address& address) {
  const Result<route::Route> route = routes_.Lookup(address);
  if (route.ok()) return route.value().local;
  if (route.error().code == ErrorCode::kNotFound) return false;
  return std::nullopt;
}

// An address of an interface is local. Of the others those are asked about that were never, or
// longest ago.
void DirectorCollector::LookUpRoutes(std::map<Address, Vip>& vips) {
  std::vector<std::pair<Clock::time_point, Vip*>> to_ask;
  for (auto& [address, vip] : vips) {
    if (!vip.interfaces.empty()) {
      vip.is_local = true;
      continue;
    }
    const auto known = routed_.find(address);
    to_ask.emplace_back(known == routed_.end() ? Clock::time_point() : known->second.at, &vip);
  }
  std::erase_if(routed_, [&](const auto& entry) {
    const auto vip = vips.find(entry.first);
    return vip == vips.end() || !vip->second.interfaces.empty();
  });
  std::ranges::sort(to_ask);
  for (std::size_t i = 0; i < to_ask.size(); ++i) {
    Vip& vip = *to_ask[i].second;
    if (i < kMostLookups) routed_[vip.address] = {IsRoutedHere(vip.address), Clock::now()};
    const auto known = routed_.find(vip.address);
    if (known != routed_.end()) vip.is_local = known->second.is_local;
  }
}

Collection DirectorCollector::Collect(Deadline) {
  const std::shared_ptr<const Configuration> configuration = sources_.configuration.Get();
  std::set<Address> wanted = sources_.vips();
  wanted.insert(configuration->vips.begin(), configuration->vips.end());

  auto snapshot = std::make_shared<Snapshot>();
  std::optional<Error> error;
  Result<std::vector<Vip>> vips = ReadVips(wanted);
  if (vips.ok()) {
    snapshot->vips = std::move(vips.value());
  } else {
    error = {vips.error().code, "director: " + vips.error().message};
  }
  KeepalivedReading keepalived =
      keepalived_.Read(configuration->keepalived, Clock::now(), std::chrono::system_clock::now());
  if (!error) error = keepalived.error;
  snapshot->keepalived_up = keepalived.up;
  snapshot->instances = std::move(keepalived.instances);
  snapshot->directors = configuration->directors;
  snapshot->sync_daemon_expected = configuration->sync_daemon.value_or(snapshot->directors > 1);
  // A keepalived that is gone takes nothing over; but VIPs that it has left behind are answered.
  const VipPlace vips_are = PlaceOf(snapshot->vips);
  const bool is_gone = keepalived.up && !*keepalived.up;
  const bool has_left_vips = is_gone && vips_are == VipPlace::kOnCard;
  snapshot->conclusion =
      Conclude({.instances = has_left_vips ? std::vector<VrrpInstance>() : snapshot->instances,
                .instances_are_all = keepalived.instances_are_all,
                .vips = vips_are,
                .sync_role = SyncRole(sources_.table.Get().get()),
                .directors = snapshot->directors});
  published_.Set(snapshot);
  return {RenderSnapshot(snapshot), std::move(error)};
}

}  // namespace lvs::director
