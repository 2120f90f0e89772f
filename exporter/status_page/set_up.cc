#include "exporter/status_page/set_up.h"

#include <algorithm>
#include <span>

#include "collectors/audit/checks.h"
#include "exporter/status_page/html.h"

namespace lvs::status {
namespace {

constexpr std::size_t kMostFlaws = 50;
constexpr std::size_t kMostInstances = 20;

std::string_view InWords(director::Evidence evidence) {
  switch (evidence) {
    case director::Evidence::kVrrp:
      return "keepalived says so";
    case director::Evidence::kVip:
      return "by where its virtual addresses are";
    case director::Evidence::kAlone:
      return "there is no other";
    case director::Evidence::kNone:
      break;
  }
  return "nothing tells";
}

std::string Instances(const director::Snapshot& director) {
  std::string html;
  for (std::size_t i = 0; i < std::min(kMostInstances, director.instances.size()); ++i) {
    const director::VrrpInstance& instance = director.instances[i];
    html += ", " + Isolated(instance.name) + " " + std::string(Name(instance.state));
  }
  return html;
}

std::string Vips(const std::vector<director::Vip>& vips) {
  const auto bound =
      std::ranges::count_if(vips, [](const director::Vip& vip) { return !vip.interfaces.empty(); });
  return ", " + std::to_string(bound) + " of " +
         Counted(vips.size(), "virtual address", "virtual addresses") + " bound here";
}

std::string Role(const director::Snapshot& director) {
  std::string html = "<p class=dim data-f>This director is <b>" +
                     std::string(Name(director.conclusion.role)) + "</b> (" +
                     std::string(InWords(director.conclusion.evidence)) + ")" + Instances(director);
  if (director.keepalived_up) html += *director.keepalived_up ? "" : ", keepalived does not run";
  if (director.vips) html += Vips(*director.vips);
  return html + ".</p>\n";
}

std::string_view Meaning(std::string_view name) {
  for (const auto& check : audit::DirectorChecks()) {
    if (check.name == name) return check.wrong;
  }
  return "";
}

std::string Flaw(const audit::Finding& finding) {
  std::string html = "<li data-f data-k=\"" + Escape(finding.check) + " " +
                     Escape(finding.subject) + "\"><b>" + Escape(finding.check) + "</b> " +
                     Escape(finding.subject);
  return html + (finding.subject.empty() ? "" : ": ") + Escape(Meaning(finding.check)) + "</li>\n";
}

std::string Flaws(const audit::Report& audit) {
  std::string items;
  std::size_t count = 0;
  for (const audit::Finding& finding : audit.findings.looked_at) {
    if (finding.failed && ++count <= kMostFlaws) items += Flaw(finding);
  }
  if (count > kMostFlaws) {
    items += "<li>and " + std::to_string(count - kMostFlaws) + " more</li>\n";
  }
  std::string html = items.empty() ? "" : "<ul>\n" + items + "</ul>\n";
  if (!audit.findings.unknown.empty()) {
    html += "<p class=dim>" + Counted(audit.findings.unknown.size(), "thing", "things") +
            " could not be looked at (<code>ipvs_audit_unknown</code>).</p>\n";
  }
  return html;
}

}  // namespace

std::string SetUp(const director::Snapshot* director, const audit::Report* audit) {
  const std::string flaws = audit != nullptr ? Flaws(*audit) : "";
  if (director == nullptr && flaws.empty()) return "";
  return "<section id=setup><h2>Set-up</h2>\n" + (director != nullptr ? Role(*director) : "") +
         flaws + "</section>\n";
}

}  // namespace lvs::status
