#include "collectors/ipvs/reader.h"

#include <algorithm>
#include <utility>

#include "collectors/ipvs/consistency.h"
#include "collectors/ipvs/decode.h"
#include "collectors/ipvs/request.h"

namespace lvs::ipvs {
namespace {

// How often a list is asked for again because something is missing from it.
constexpr int kTries = 3;
// Up to so many missing services are asked for one by one, which is certain. Beyond that the whole
// list is cheaper.
constexpr std::size_t kFewServices = 64;
constexpr Clock::duration kUnlimited = Clock::duration::max();

std::optional<RetryReason> ReasonToRetry(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTimeout:
      return RetryReason::kTimeout;
    case ErrorCode::kConnection:
      return RetryReason::kConnection;
    case ErrorCode::kInterrupted:
      return RetryReason::kInterrupted;
    default:
      return std::nullopt;
  }
}

Error During(const std::string& step, const Error& error) {
  return Error{error.code, "ipvs: " + step + ": " + error.message};
}

}  // namespace

std::string_view Name(RetryReason reason) {
  switch (reason) {
    case RetryReason::kTimeout:
      return "timeout";
    case RetryReason::kConnection:
      return "connection";
    case RetryReason::kInterrupted:
      return "interrupted";
  }
  return "unknown";
}

std::string_view Name(Inconsistency kind) {
  switch (kind) {
    case Inconsistency::kDuplicate:
      return "duplicate";
    case Inconsistency::kVanished:
      return "vanished";
    case Inconsistency::kStale:
      return "stale";
  }
  return "unknown";
}

// One reading: what Read() keeps while it fills one table.
class Reader::Pass {
 public:
  Pass(Reader& reader, Table& table, Deadline deadline)
      : reader_(reader), table_(table), patience_{deadline, (deadline - Clock::now()) / 2} {}

  std::optional<Error> Run();

  bool services_from_netlink() const { return services_from_netlink_; }

 private:
  // What Before() looks up: the previous services in the order of their keys.
  void IndexPrevious();
  const Service* Before(std::size_t index) const;

  Result<void> ReadNetlink();
  Result<void> ListServices();
  Result<void> FindMissingServices();
  Result<void> ReadAllBackends();
  Result<bool> ReadBackends(Service& service, const Service* before);
  Result<bool> FindMissingBackends(Service& service, const Service& before);
  Result<void> ReadRest();
  void ForgetAll();
  void FallBackToFile(Error& error);
  void ReadFiles(std::optional<Error>& error);

  Result<void> DumpServices(std::vector<Service>& services);
  // False: there is no such service.
  Result<bool> LookUpService(const ServiceKey& key, Service& service);
  Result<bool> ServiceExists(const ServiceKey& key);
  Result<void> DumpBackends(const ServiceKey& service, std::vector<Backend>& backends);

  // Sends a request, again when the connection broke. begin is called before each attempt.
  template <class Begin>
  Result<void> Ask(const netlink::Request& request, const Begin& begin,
                   const netlink::OnMessage& on_message);
  // The same for a request with one answer, decoded by decode(attributes, value) into an optional.
  // What this kernel does not support stays absent.
  template <class T>
  Result<void> AskOne(const netlink::Request& request, Result<void> (*decode)(Bytes, T&),
                      std::optional<T>& value);

  Reader& reader_;
  Table& table_;
  // The first silence may last half of the time: the rest is for asking again.
  netlink::Patience patience_;
  bool services_from_netlink_ = false;
  bool same_services_ = false;  // as in the previous reading, in the same order
  std::vector<const Service*> previous_by_key_;
  Service scratch_service_;
};

Reader::Reader(std::unique_ptr<netlink::Transport> transport, std::string procfs_root)
    : transport_(std::move(transport)), proc_(std::move(procfs_root)) {}

Reader::~Reader() = default;

Reading Reader::Read(Deadline deadline) {
  const std::shared_ptr<Table> table = pool_.Take();
  Pass pass(*this, *table, deadline);
  std::optional<Error> error = pass.Run();
  if (pass.services_from_netlink()) previous_ = table;
  return {table, std::move(error)};
}

ReaderCounts Reader::counts() const {
  ReaderCounts counts;
  for (std::size_t i = 0; i < kRetryReasons; ++i) {
    counts.retries[i] = retries_[i].load(std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < kInconsistencies; ++i) {
    counts.inconsistencies[i] = inconsistencies_[i].load(std::memory_order_relaxed);
  }
  return counts;
}

void Reader::Count(RetryReason reason) {
  retries_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
}

void Reader::Count(Inconsistency kind, std::size_t times) {
  inconsistencies_[static_cast<std::size_t>(kind)].fetch_add(times, std::memory_order_relaxed);
}

std::optional<Error> Reader::Pass::Run() {
  table_.up = false;
  table_.services_known = false;
  table_.info.reset();
  table_.timeouts.reset();
  table_.totals.reset();
  table_.estimator_totals.reset();
  table_.sync_receive_drops.reset();
  table_.estimation_enabled.reset();
  table_.sync_daemons.reset();

  std::optional<Error> error;
  if (reader_.proc_.ModuleLoaded()) {
    const Result<void> read = ReadNetlink();
    if (!read.ok()) error = read.error();
  } else {
    error = Error{ErrorCode::kModuleAbsent, "ipvs: the kernel module ip_vs is not loaded"};
  }
  const bool absent = error.has_value() && error->code == ErrorCode::kModuleAbsent;
  const bool denied = error.has_value() && error->code == ErrorCode::kNoPermission;
  if (absent) {
    ForgetAll();
    return error;
  }
  table_.up = services_from_netlink_;
  table_.services_known = services_from_netlink_;
  if (denied && !services_from_netlink_) FallBackToFile(*error);
  if (!table_.services_known) table_.services.clear();
  ReadFiles(error);
  return error;
}

// Without the module nothing is known, not even what was read just before it went.
void Reader::Pass::ForgetAll() {
  services_from_netlink_ = false;
  table_.services.clear();
  table_.info.reset();
  table_.timeouts.reset();
  table_.sync_daemons.reset();
  table_.sysctls.clear();
  reader_.previous_.reset();
}

Result<void> Reader::Pass::ReadNetlink() {
  if (Result<void> listed = ListServices(); !listed.ok()) return listed;
  if (Result<void> read = ReadAllBackends(); !read.ok()) return read;
  services_from_netlink_ = true;
  return ReadRest();
}

Result<void> Reader::Pass::ListServices() {
  if (Result<void> dumped = DumpServices(table_.services); !dumped.ok()) return dumped;
  const auto& previous = reader_.previous_;
  same_services_ = previous && SameKeys(previous->services, table_.services);
  if (same_services_) return {};
  reader_.Count(Inconsistency::kDuplicate, RemoveDuplicates(table_.services));
  if (!previous) return {};
  IndexPrevious();
  return FindMissingServices();
}

Result<void> Reader::Pass::FindMissingServices() {
  const std::vector<Service>& before = reader_.previous_->services;
  std::vector<Service>& services = table_.services;
  std::vector<ServiceKey> missing = MissingKeys(before, services);
  std::vector<ServiceKey> listed = SortedKeys(services);
  for (int attempt = 0; attempt < kTries && missing.size() > kFewServices; ++attempt) {
    std::vector<Service> again;
    if (Result<void> dumped = DumpServices(again); !dumped.ok()) return dumped;
    reader_.Count(Inconsistency::kDuplicate, RemoveDuplicates(again));
    std::vector<ServiceKey> listed_again = SortedKeys(again);
    Merge(services, again);
    const std::size_t missing_before = missing.size();
    missing = MissingKeys(before, services);
    reader_.Count(Inconsistency::kVanished, missing_before - missing.size());
    // Twice the same list: nothing changed in between, so what it lacks is gone.
    if (listed_again == listed) return {};
    listed = std::move(listed_again);
  }
  for (const ServiceKey& key : missing) {
    Service service;
    const Result<bool> found = LookUpService(key, service);
    if (!found.ok()) return found.error();
    if (!found.value()) continue;
    reader_.Count(Inconsistency::kVanished);
    services.push_back(std::move(service));
  }
  return {};
}

void Reader::Pass::IndexPrevious() {
  for (const Service& service : reader_.previous_->services) previous_by_key_.push_back(&service);
  std::sort(previous_by_key_.begin(), previous_by_key_.end(),
            [](const Service* a, const Service* b) { return a->key < b->key; });
}

const Service* Reader::Pass::Before(std::size_t index) const {
  if (same_services_) return &reader_.previous_->services[index];
  const ServiceKey& key = table_.services[index].key;
  const auto found = std::lower_bound(
      previous_by_key_.begin(), previous_by_key_.end(), key,
      [](const Service* service, const ServiceKey& k) { return service->key < k; });
  return found != previous_by_key_.end() && (*found)->key == key ? *found : nullptr;
}

Result<void> Reader::Pass::ReadAllBackends() {
  std::vector<bool> gone(table_.services.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < table_.services.size(); ++i) {
    const Result<bool> exists = ReadBackends(table_.services[i], Before(i));
    if (!exists.ok()) return exists.error();
    gone[i] = !exists.value();
    count += gone[i] ? 1 : 0;
  }
  if (count > 0) KeepIf(table_.services, [&](std::size_t i) { return !gone[i]; });
  reader_.Count(Inconsistency::kStale, count);
  return {};
}

// False: the service is gone, and so are its backends.
Result<bool> Reader::Pass::ReadBackends(Service& service, const Service* before) {
  if (Result<void> dumped = DumpBackends(service.key, service.backends); !dumped.ok()) {
    return dumped.error();
  }
  // The kernel gives an empty list for a service that does not exist.
  if (service.backends.empty()) {
    const Result<bool> exists = ServiceExists(service.key);
    if (!exists.ok() || !exists.value()) return exists;
  }
  if (before != nullptr && SameKeys(before->backends, service.backends)) return true;
  reader_.Count(Inconsistency::kDuplicate, RemoveDuplicates(service.backends));
  return before == nullptr ? true : FindMissingBackends(service, *before);
}

// After kTries lists that all differ, what was in one of them is all that can be known. Failing the
// reading instead would cost the whole page for as long as somebody edits a large service.
Result<bool> Reader::Pass::FindMissingBackends(Service& service, const Service& before) {
  std::vector<BackendKey> missing = MissingKeys(before.backends, service.backends);
  std::vector<BackendKey> listed = SortedKeys(service.backends);
  for (int attempt = 0; attempt < kTries && !missing.empty(); ++attempt) {
    std::vector<Backend> again;
    if (Result<void> dumped = DumpBackends(service.key, again); !dumped.ok()) {
      return dumped.error();
    }
    if (again.empty()) {
      const Result<bool> exists = ServiceExists(service.key);
      if (!exists.ok() || !exists.value()) return exists;
    }
    reader_.Count(Inconsistency::kDuplicate, RemoveDuplicates(again));
    std::vector<BackendKey> listed_again = SortedKeys(again);
    Merge(service.backends, again);
    const std::size_t missing_before = missing.size();
    missing = MissingKeys(before.backends, service.backends);
    reader_.Count(Inconsistency::kVanished, missing_before - missing.size());
    // Twice the same list: nothing changed in between, so what it lacks is gone.
    if (listed_again == listed) break;
    listed = std::move(listed_again);
  }
  return true;
}

Result<void> Reader::Pass::ReadRest() {
  if (Result<void> read = AskOne(InfoRequest(), DecodeInfo, table_.info); !read.ok()) {
    return During("read the version", read.error());
  }
  if (Result<void> read = AskOne(TimeoutsRequest(), DecodeTimeouts, table_.timeouts); !read.ok()) {
    return During("read the timeouts", read.error());
  }
  std::vector<SyncDaemon> daemons;
  const auto add = [&](Bytes attributes) {
    return DecodeSyncDaemon(attributes, daemons.emplace_back());
  };
  const Result<void> read = Ask(
      SyncDaemonsRequest(), [&] { daemons.clear(); }, add);
  if (read.ok()) {
    table_.sync_daemons = std::move(daemons);
  } else if (read.error().code != ErrorCode::kNotSupported) {
    return During("dump sync daemons", read.error());
  }
  return {};
}

void Reader::Pass::FallBackToFile(Error& error) {
  Result<ProcServices> read = reader_.proc_.ReadServices();
  if (!read.ok()) {
    error.message += "; instead, " + read.error().message;
    return;
  }
  error.message += "; the services are from /proc/net/ip_vs, which tells less";
  table_.services = std::move(read.value().services);
  reader_.Count(Inconsistency::kDuplicate, RemoveDuplicates(table_.services));
  for (Service& service : table_.services) {
    reader_.Count(Inconsistency::kDuplicate, RemoveDuplicates(service.backends));
  }
  table_.info = std::move(read.value().info);
  table_.services_known = true;
}

// What is in files is read whether or not netlink answered. The first error is the one that is
// told.
void Reader::Pass::ReadFiles(std::optional<Error>& error) {
  const auto keep = [&](const Error& next) {
    if (!error.has_value()) error = Error{next.code, "ipvs: " + next.message};
  };
  ProcFiles& proc = reader_.proc_;
  const Result<TotalCounters> totals = proc.ReadTotals();
  if (totals.ok()) {
    table_.totals = totals.value().live;
    table_.estimator_totals = totals.value().estimator;
  } else if (totals.error().code != ErrorCode::kNotFound) {
    keep(totals.error());
  }
  table_.estimation_enabled = proc.ReadSettings(table_.sysctls);
  if (!table_.sync_daemons.has_value()) return;
  const auto drops = proc.ReadSyncReceiveDrops(*table_.sync_daemons);
  if (drops.ok()) {
    table_.sync_receive_drops = drops.value();
  } else {
    keep(drops.error());
  }
}

Result<void> Reader::Pass::DumpServices(std::vector<Service>& services) {
  std::size_t used = 0;
  const auto add = [&](Bytes attributes) -> Result<void> {
    if (used == services.size()) services.emplace_back();
    const Result<void> decoded = DecodeService(attributes, services[used]);
    if (decoded.ok()) ++used;
    // A service that the kernel itself does nothing with is none to us, and no reason to fail.
    const bool ignored = !decoded.ok() && decoded.error().code == ErrorCode::kNotSupported;
    return ignored ? Result<void>() : decoded;
  };
  const Result<void> dumped = Ask(
      ServicesRequest(), [&] { used = 0; }, add);
  if (!dumped.ok()) return During("dump services", dumped.error());
  services.resize(used);
  return {};
}

Result<bool> Reader::Pass::LookUpService(const ServiceKey& key, Service& service) {
  bool found = false;
  const auto take = [&](Bytes attributes) {
    found = true;
    return DecodeService(attributes, service);
  };
  const Result<void> asked = Ask(
      ServiceRequest(key, reader_.key_), [&] { found = false; }, take);
  if (!asked.ok() && asked.error().code != ErrorCode::kNotFound) {
    return During("look up service " + ToString(key), asked.error());
  }
  return found && asked.ok() && service.key == key;
}

Result<bool> Reader::Pass::ServiceExists(const ServiceKey& key) {
  return LookUpService(key, scratch_service_);
}

Result<void> Reader::Pass::DumpBackends(const ServiceKey& service, std::vector<Backend>& backends) {
  const auto add = [&](Bytes attributes) {
    return DecodeBackend(attributes, service.address.family, backends.emplace_back());
  };
  const Result<void> dumped = Ask(
      BackendsRequest(service, reader_.key_), [&] { backends.clear(); }, add);
  if (!dumped.ok()) return During("dump destinations of " + ToString(service), dumped.error());
  return {};
}

template <class Begin>
Result<void> Reader::Pass::Ask(const netlink::Request& request, const Begin& begin,
                               const netlink::OnMessage& on_message) {
  for (int attempt = 1;; ++attempt) {
    begin();
    Result<void> done = reader_.transport_->Exchange(request, patience_, on_message);
    if (done.ok()) return done;
    const std::optional<RetryReason> reason = ReasonToRetry(done.error().code);
    if (!reason.has_value()) return done;
    if (*reason == RetryReason::kTimeout) {
      const bool first_silence = patience_.silence != kUnlimited;
      if (!first_silence || Clock::now() >= patience_.deadline) return done;
      patience_.silence = kUnlimited;
    } else if (attempt > (*reason == RetryReason::kInterrupted ? kTries : 1)) {
      return done;
    }
    reader_.Count(*reason);
  }
}

template <class T>
Result<void> Reader::Pass::AskOne(const netlink::Request& request,
                                  Result<void> (*decode)(Bytes, T&), std::optional<T>& value) {
  const auto take = [&](Bytes attributes) { return decode(attributes, value.emplace()); };
  Result<void> asked = Ask(
      request, [&] { value.reset(); }, take);
  if (asked.ok() && !value.has_value()) {
    return Error{ErrorCode::kMalformed, "the kernel agreed but sent nothing"};
  }
  if (asked.ok()) return asked;
  value.reset();
  return asked.error().code == ErrorCode::kNotSupported ? Result<void>() : asked;
}

}  // namespace lvs::ipvs
