// Mark rules as lines that tests can read.
#pragma once

#include <netinet/in.h>

#include <cstdio>
#include <string>
#include <vector>

#include "collectors/netfilter/mark_rule.h"

namespace lvs::netfilter {

inline std::string ProtocolText(int number) {
  if (number == IPPROTO_TCP) return "tcp";
  if (number == IPPROTO_UDP) return "udp";
  if (number == IPPROTO_SCTP) return "sctp";
  return std::to_string(number);
}

// "prerouting 192.0.2.1 tcp 80 -> 1", with "any" for what is absent, the mask where it is not all
// ones, and "narrowed" at the end.
inline std::string Describe(const MarkRule& rule) {
  std::string text = Name(rule.hook);
  text += " " + (rule.destination ? ToString(*rule.destination) : "any");
  text += " " + (rule.protocol ? ProtocolText(*rule.protocol) : "any");
  const auto& ports = rule.destination_ports;
  text += " " + (ports ? std::to_string(ports->first) : "any");
  if (ports && ports->first != ports->last) text += "-" + std::to_string(ports->last);
  char mark[32];
  std::snprintf(mark, sizeof mark, " -> %x", rule.mark);
  text += mark;
  std::snprintf(mark, sizeof mark, "/%x", rule.mask);
  if (rule.mask != 0xffffffff) text += mark;
  return text + (rule.narrowed ? " narrowed" : "");
}

inline std::vector<std::string> Describe(const MarkRules& rules) {
  std::vector<std::string> lines;
  for (const MarkRule& rule : rules.rules) lines.push_back(Describe(rule));
  return lines;
}

}  // namespace lvs::netfilter
