#include "collectors/audit/auditor.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "collectors/audit/checks.h"

namespace lvs::audit {
namespace {

using namespace std::chrono_literals;

// How often it is looked whether what is missing has come: a table that is current.
constexpr Clock::duration kRetry = 500ms;

void TakeAccepted(std::vector<Finding>& findings, const Configuration& configuration) {
  std::erase_if(findings, [&](const Finding& finding) {
    return Accepts(configuration, std::string(finding.check), finding.subject);
  });
}

// As they were read. Equal ones are put together where that is needed: when they are rendered.
std::vector<netfilter::MarkRule> RulesOf(const Facts& facts) {
  std::vector<netfilter::MarkRule> rules;
  for (const auto& of_family : facts.mark_rules) {
    if (of_family) rules.insert(rules.end(), of_family->rules.begin(), of_family->rules.end());
  }
  return rules;
}

}  // namespace

bool Accepts(const Configuration& configuration, const std::string& check,
             const std::string& subject) {
  return std::ranges::any_of(configuration.accepted, [&](const Accepted& accepted) {
    return accepted.check == check && (!accepted.subject || *accepted.subject == subject);
  });
}

Report MakeReport(const Facts& facts, const Configuration& configuration) {
  Report report;
  report.findings = LookAt(DirectorChecks(), facts);
  TakeAccepted(report.findings.looked_at, configuration);
  TakeAccepted(report.findings.unknown, configuration);
  report.mark_rules = RulesOf(facts);
  report.fed = FedAddresses(facts);
  return report;
}

Auditor::Auditor(AuditorSources sources, Published<Report>& published)
    : sources_(std::move(sources)), published_(published), thread_([this] { Loop(); }) {}

Auditor::~Auditor() {
  Stop();
  thread_.join();
}

void Auditor::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
}

void Auditor::WaitFor(Clock::duration pause) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, pause, [this] { return stop_.load(); });
}

// Thread entry: nothing is thrown from here. Without memory the next look may have some.
void Auditor::Loop() {
  while (!stop_) {
    Clock::duration pause = kRetry;
    try {
      pause = Step();
    } catch (const std::exception&) {
      pause = 10s;
    }
    WaitFor(pause);
  }
}

std::optional<Error> Auditor::TakeNote(std::optional<Error> error) {
  const bool is_refused =
      error && (error->code == ErrorCode::kNoPermission || error->code == ErrorCode::kNotSupported);
  if (!is_refused) return error;
  if (told_notes_.insert(error->message).second && sources_.on_note) {
    sources_.on_note(error->message);
  }
  return std::nullopt;
}

Clock::duration Auditor::Step() {
  const Clock::time_point start = Clock::now();
  const std::shared_ptr<const Configuration> configuration = sources_.configuration.Get();
  const std::shared_ptr<const ipvs::LatestReading> latest = sources_.table.Get();
  const std::shared_ptr<const director::Snapshot> director = sources_.director.Get();
  if (sources_.has_director && !director) return kRetry;
  // What /proc/net/ip_vs tells lacks half of what is looked at.
  if (!latest || !latest->current || !latest->up) return kRetry;
  std::optional<Error> error;
  const Facts facts = sources_.read(latest->table, director, error);
  auto report = std::make_shared<Report>(MakeReport(facts, *configuration));
  report->error = TakeNote(std::move(error));
  report->at = std::chrono::system_clock::now();
  report->took = Clock::now() - start;
  constexpr int kShare = 50;  // at most a fiftieth of the time
  const Clock::duration pause =
      std::max<Clock::duration>(configuration->interval - report->took, kShare * report->took);
  report->pause = pause;
  published_.Set(std::move(report));
  return pause;
}

}  // namespace lvs::audit
