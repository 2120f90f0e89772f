// A kernel with IPVS, for tests: rules are told in a small language, and requests are answered with
// the attribute bytes that Linux 6.1 sends, whole or damaged.
//
//     fake::Kernel kernel;
//     kernel.Has(fake::Service("10.0.0.1:80/TCP").With(fake::Backend("10.1.0.1:80").Weight(3)));
//     kernel.OnRequest(2).CutsReplyAfter(20);
//     ipvs::Reader reader(kernel.Connect(), kernel.procfs_root());
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/ipvs/table.h"
#include "collectors/netlink/transport.h"
#include "tests/support/fake_procfs.h"
#include "tests/support/ip.h"

namespace lvs::fake {

// What ipvs::ToString writes: "10.0.0.1:80/TCP", "[2001:db8::1]:443/TCP", "mark 0000000A ipv4".
ipvs::ServiceKey ParseService(std::string_view text);

// "10.1.0.1:80" or "[2001:db8::1]:80".
ipvs::BackendKey ParseBackend(std::string_view text);

// A backend in the making. Masquerade and weight 1 unless told otherwise, all counts zero.
class Backend {
 public:
  explicit Backend(std::string_view endpoint);
  Backend& Weight(std::uint32_t weight);
  Backend& Forward(ipvs::ForwardMethod forward);
  Backend& Tunnel(ipvs::TunnelType type, std::uint16_t port = 0, std::uint16_t flags = 0);
  Backend& Thresholds(std::uint32_t upper, std::uint32_t lower);
  Backend& Connections(std::uint32_t active, std::uint32_t inactive);
  Backend& Templates(std::uint32_t templates);
  Backend& Counters(const ipvs::Counters& counters);

  const ipvs::Backend& value() const { return value_; }

 private:
  ipvs::Backend value_;
};

// A service in the making. Scheduler "rr", no flags, full netmask.
class Service {
 public:
  explicit Service(std::string_view name);
  Service& With(const Backend& backend);
  Service& Scheduler(std::string_view scheduler);
  Service& Flags(std::uint32_t flags);
  Service& Persistent(std::uint32_t seconds);
  Service& Netmask(std::uint32_t netmask);  // as in ipvs::Service
  Service& Engine(std::string_view engine);
  Service& Counters(const ipvs::Counters& counters);

  const ipvs::Service& value() const { return value_; }

 private:
  ipvs::Service value_;
};

// What goes wrong with one request or with all. Several may be combined.
class Damage {
 public:
  // The kernel refuses, or after that many messages breaks off, with an error number.
  Damage& FailsWith(int error_number);
  Damage& FailsAfter(std::size_t messages, int error_number);
  // No answer comes: the deadline passes, without waiting for it.
  Damage& IsSilent();
  // No answer comes either, but the wait is a real one: until the deadline, or Stop().
  Damage& HangsUntilStopped();
  // So much time passes before each datagram, without waiting for it.
  Damage& TakesBeforeEachDatagram(Clock::duration time);
  // Every datagram loses all but its first bytes (counted from its netlink header).
  Damage& CutsReplyAfter(std::size_t bytes);
  // The first message is replaced in place: at offset within its attributes, by these bytes.
  Damage& Overwrites(std::size_t offset, std::string_view bytes);
  // Every message is sent twice: the list has duplicates.
  Damage& ListsTwice();
  // Leaves the i-th entry (from 0) out, as a dump that goes on by index does.
  Damage& Skips(std::size_t entry);
  // The list ends after so many entries, as normally.
  Damage& EndsAfter(std::size_t entries);
  // Marks the reply with NLM_F_DUMP_INTR.
  Damage& IsInterrupted();
  // Comes from a process instead of the kernel, or answers another request, or is too long.
  Damage& ComesFromPort(std::uint32_t port);
  Damage& AnswersSequence(std::uint32_t sequence);
  Damage& IsTruncated();
  // Something else happens to the rules just before the request is answered.
  Damage& Does(std::function<void()> action);

 private:
  friend class Kernel;

  void Spoil(std::vector<std::vector<std::byte>>& messages, int& error) const;
  std::vector<std::vector<std::byte>> Pack(const std::vector<std::vector<std::byte>>& messages,
                                           bool dump, int error, std::uint32_t sequence) const;

  std::optional<int> error_;
  std::optional<std::size_t> error_after_;
  bool silent_ = false;
  bool hangs_ = false;
  Clock::duration pause_{};
  std::optional<std::size_t> cut_;
  std::optional<std::pair<std::size_t, std::string>> overwrite_;
  bool twice_ = false;
  std::optional<std::size_t> skip_;
  std::optional<std::size_t> end_;
  bool interrupted_ = false;
  std::optional<std::uint32_t> port_;
  std::optional<std::uint32_t> sequence_;
  bool truncated_ = false;
  std::function<void()> action_;
};

// The module is loaded, version 1.2.1 with 4096 buckets, default timeouts, no services, no daemons.
// One thread, except for its transports' Stop(). Must outlive the transports it gave.
class Kernel {
 public:
  Kernel();

  // Rules. A service or backend that is there already is replaced. Lists are told newest first.
  void Has(const Service& service);
  void Forgets(std::string_view service);
  void ForgetsBackend(std::string_view service, std::string_view backend);
  void Adds(std::string_view service, const Backend& backend);
  void Flushes();
  void Runs(const ipvs::SyncDaemon& daemon);
  void UnloadsModule();
  void LoadsModule();  // with the rules it had

  // How it tells: an older kernel, one that adds what nobody knows, one that tells things
  // backwards.
  void TellsOnly32BitCounters() { wide_counters_ = false; }
  void TellsUnknownAttributes() { unknown_attributes_ = true; }
  void TellsAttributesBackwards() { backwards_ = true; }
  // Attributes of this number are left out, in services (1), backends (2) or daemons (3).
  void Omits(std::uint16_t nest, std::uint16_t attribute) { omitted_ = {{nest, attribute}}; }

  // The n-th request from now on, from 1; all requests.
  Damage& OnRequest(std::size_t n) { return damage_[requests_.size() + n]; }
  Damage& OnEveryRequest() { return every_damage_; }
  void Recovers();

  // What was asked, such as "GET_SERVICE dump", "GET_DEST dump 10.0.0.1:80/TCP", "GET_INFO".
  const std::vector<std::string>& requests() const { return requests_; }

  // procfs, with net/ip_vs as the kernel writes it (brought up to date with each request),
  // net/ip_vs_stats_percpu with one CPU, and the settings run_estimation 1 and sync_threshold 3 50.
  Procfs& procfs() { return procfs_; }
  const std::string& procfs_root() const { return procfs_.root(); }

  // A transport that is answered by this kernel.
  std::unique_ptr<netlink::Transport> Connect();

 private:
  class Connection;
  using Message = std::vector<std::byte>;

  Result<void> Answer(const netlink::Request& request, const netlink::Patience& patience,
                      const netlink::OnMessage& on_message, Connection& connection);
  std::vector<Message> Reply(const netlink::Request& request, int& error) const;
  Message EncodeService(const ipvs::Service& service) const;
  Message EncodeBackend(const ipvs::Backend& backend) const;
  Message EncodeDaemon(const ipvs::SyncDaemon& daemon) const;
  const ipvs::Service* Find(const ipvs::ServiceKey& key) const;
  ipvs::Service& Get(std::string_view service);
  void WriteServicesFile();

  class Nest;

  std::vector<ipvs::Service> services_;
  std::vector<ipvs::SyncDaemon> daemons_;
  bool loaded_ = true;
  bool services_file_is_old_ = false;
  bool wide_counters_ = true;
  bool unknown_attributes_ = false;
  bool backwards_ = false;
  std::optional<std::pair<std::uint16_t, std::uint16_t>> omitted_;
  std::map<std::size_t, Damage> damage_;
  Damage every_damage_;
  std::vector<std::string> requests_;
  Procfs procfs_;
};

}  // namespace lvs::fake
