// A small language for tests of the audit: a host as it is set up.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/audit/facts.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/ip.h"

namespace lvs::fake {

// A rule of the firewall: Marks(10).To("192.168.1.112").
class Marks {
 public:
  explicit Marks(std::uint32_t mark, std::uint32_t mask = 0xffffffff) {
    rule_.mark = mark;
    rule_.mask = mask;
  }
  Marks& To(const std::string& address, std::optional<unsigned> prefix_length = {}) {
    const Address destination = Ip(address);
    rule_.family = destination.family;
    const unsigned whole = destination.family == AddressFamily::kIpv4 ? 32 : 128;
    rule_.destination = {destination, prefix_length.value_or(whole)};
    return *this;
  }
  Marks& In(netfilter::Hook hook) {
    rule_.hook = hook;
    return *this;
  }
  const netfilter::MarkRule& rule() const { return rule_; }

 private:
  netfilter::MarkRule rule_;
};

// A single director with nothing on it; what a call does not tell is not known.
class Host {
 public:
  Host() {
    table_.services_known = table_.up = true;
    director_.conclusion = {director::Role::kMaster, director::Evidence::kAlone};
    facts_.mark_rules = {netfilter::MarkRules(), netfilter::MarkRules()};
    facts_.interfaces.emplace();
  }

  Host& Service(std::string_view name) {
    ipvs::Service service;
    service.key = ParseService(name);
    table_.services.push_back(service);
    return *this;
  }
  Host& MarkService(std::uint32_t mark, AddressFamily family = AddressFamily::kIpv4) {
    ipvs::Service service;
    service.key.address.family = family;
    service.key.protocol = ipvs::Protocol::kFwmark;
    service.key.fwmark = mark;
    table_.services.push_back(service);
    return *this;
  }
  // Of the last service.
  Host& Persistent() {
    table_.services.back().flags |= ipvs::kServicePersistent;
    return *this;
  }
  Host& Backend(std::string_view name, ipvs::ForwardMethod forward = ipvs::ForwardMethod::kRoute) {
    ipvs::Backend backend;
    backend.key = ParseBackend(name);
    backend.forward = forward;
    table_.services.back().backends.push_back(backend);
    return *this;
  }
  // Of the last backend.
  Host& Holds(std::uint64_t connections) {
    table_.services.back().backends.back().active_connections = connections;
    return *this;
  }
  Host& Sysctl(std::string name, std::int64_t value) {
    table_.sysctls.push_back({std::move(name), value});
    return *this;
  }
  Host& Estimation(bool enabled) {
    table_.estimation_enabled = enabled;
    return *this;
  }
  Host& Buckets(std::uint32_t buckets) {
    table_.info = ipvs::Info{"1.2.1", buckets};
    return *this;
  }
  Host& Daemon(ipvs::SyncDaemon::Role role) {
    ipvs::SyncDaemon daemon;
    daemon.role = role;
    table_.sync_daemons = {daemon};
    return *this;
  }

  Host& Rules(const Marks& marks) {
    facts_.mark_rules[audit::Position(marks.rule().family)]->rules.push_back(marks.rule());
    return *this;
  }
  Host& Unclear(std::string why) {
    facts_.mark_rules[0]->unclear.push_back(std::move(why));
    return *this;
  }
  Host& NoRulesKnown() {
    facts_.mark_rules = {};
    return *this;
  }

  Host& Local(const std::string& address) {
    facts_.is_local[Ip(address)] = true;
    return *this;
  }
  Host& Elsewhere(const std::string& address) {
    facts_.is_local[Ip(address)] = false;
    return *this;
  }
  Host& LocalByMark(const std::string& address, std::uint32_t mark) {
    facts_.local_by_mark.emplace(Ip(address), mark);
    return *this;
  }
  Host& WayOut(const std::string& address, int interface) {
    facts_.way_out[Ip(address)] = interface;
    return *this;
  }
  Host& Forwarding(std::optional<std::int64_t> value) {
    facts_.forwarding = {value, value};
    return *this;
  }
  Host& Kernel(std::pair<int, int> version) {
    facts_.kernel = version;
    return *this;
  }

  Host& Interface(std::string name, int index, const std::vector<std::string>& addresses) {
    audit::HostInterface interface;
    interface.name = std::move(name);
    interface.index = index;
    for (const std::string& address : addresses) interface.addresses.push_back(Ip(address));
    facts_.interfaces->push_back(interface);
    return *this;
  }
  // Of the last interface.
  Host& Silent() {
    facts_.interfaces->back().is_silent = true;
    return *this;
  }
  Host& Tunnel() {
    facts_.interfaces->back().is_tunnel = true;
    return *this;
  }
  Host& SpeaksNoArp() {
    facts_.interfaces->back().speaks_arp = false;
    return *this;
  }
  Host& Arp(std::int64_t ignore, std::int64_t announce) {
    facts_.interfaces->back().arp_ignore = ignore;
    facts_.interfaces->back().arp_announce = announce;
    return *this;
  }
  Host& ReversePath(std::int64_t filter) {
    facts_.interfaces->back().rp_filter = filter;
    return *this;
  }
  Host& SendsRedirects(std::int64_t value) {
    facts_.interfaces->back().send_redirects = value;
    return *this;
  }
  Host& NoInterfacesKnown() {
    facts_.interfaces.reset();
    return *this;
  }

  // One of so many directors, by what VRRP says.
  Host& Is(director::Role role, unsigned directors) {
    director_.conclusion = {role, director::Evidence::kVrrp};
    director_.directors = directors;
    director_.sync_daemon_expected = directors > 1;
    return *this;
  }
  Host& Instance(director::VrrpState state) {
    director_.instances.push_back({"VI", {}, state, {}});
    return *this;
  }
  Host& NoDirectorKnown() {
    has_director_ = false;
    return *this;
  }

  audit::Facts facts() const {
    audit::Facts facts = facts_;
    facts.table = std::make_shared<const ipvs::Table>(table_);
    if (has_director_) facts.director = std::make_shared<const director::Snapshot>(director_);
    return facts;
  }

 private:
  ipvs::Table table_;
  director::Snapshot director_;
  bool has_director_ = true;
  audit::Facts facts_;
};

}  // namespace lvs::fake
