#include "exporter/status_page/filter.h"

#include <algorithm>
#include <sstream>

#include "exporter/status_page/html.h"

namespace lvs::status {
namespace {

constexpr std::string_view kService = "service:";
constexpr std::string_view kBackend = "backend:";

std::string LowerCase(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

void Append(std::string& text, std::string_view more) { text.append(" ").append(more); }

void AppendBackend(std::string& text, const BackendView& backend) {
  Append(text, ToString(backend.key));
  Append(text, StateName(backend));
  if (backend.health == nullptr) return;
  Append(text, Name(backend.planned->role));
  if (backend.health->verdict == checker::Verdict::kDown) {
    Append(text, Name(backend.health->down_reason));
  }
  if (backend.disagreement) Append(text, Name(*backend.disagreement));
}

// Everything that a filter looks for in a service.
std::string TextOf(const ServiceView& service) {
  std::string text = GivenName(service);
  Append(text, ToString(service.key));
  Append(text, KernelName(service.key));
  Append(text, StateName(service));
  if (service.kernel != nullptr) Append(text, service.kernel->scheduler);
  for (const BackendView& backend : service.backends) AppendBackend(text, backend);
  return text;
}

bool HasBackendIn(const ServiceView& service, std::string_view state) {
  return std::ranges::any_of(
      service.backends, [&](const BackendView& backend) { return StateName(backend) == state; });
}

}  // namespace

Filter::Filter(std::string_view text) : text_(text) {
  std::istringstream in{LowerCase(text_)};
  for (std::string word; in >> word;) {
    if (word.starts_with(kService)) {
      service_states_.push_back(word.substr(kService.size()));
    } else if (word.starts_with(kBackend)) {
      backend_states_.push_back(word.substr(kBackend.size()));
    } else {
      words_.push_back(word);
    }
  }
}

bool Filter::Matches(const ServiceView& service) const {
  for (const std::string& state : service_states_) {
    if (StateName(service) != state) return false;
  }
  for (const std::string& state : backend_states_) {
    if (!HasBackendIn(service, state)) return false;
  }
  return words_.empty() || HasWords(TextOf(service));
}

bool Filter::Matches(const checker::Event& event) const {
  if (words_.empty()) return true;
  std::string text = event.service;
  Append(text, ToString(event.service_key));
  Append(text, KernelName(event.service_key));
  if (event.backend) Append(text, ToString(*event.backend));
  for (const std::string& word : {event.from, event.to}) Append(text, word);
  Append(text, Name(event.reason));
  return HasWords(std::move(text));
}

bool Filter::HasWords(std::string text) const {
  const std::string lower = LowerCase(std::move(text));
  return std::ranges::all_of(
      words_, [&](const std::string& word) { return lower.find(word) != std::string::npos; });
}

std::string ServicesIn(std::string_view state) {
  return std::string(kService) + std::string(state);
}

std::string BackendsIn(std::string_view state) {
  return std::string(kBackend) + std::string(state);
}

std::string LinkTo(std::string_view filter) { return "?filter=" + PercentEncode(filter); }

}  // namespace lvs::status
