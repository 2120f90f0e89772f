// exporter/example.yml and the README's brief one are what people start from: they are right, and
// the first is complete and says the defaults.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "exporter/configuration/configuration.h"
#include "exporter/configuration/yaml_tree.h"

namespace lvs {
namespace {

const std::string kExample = SOURCE_DIR "/exporter/example.yml";

// Nothing is loaded or looked up; keeps the probes by name.
Machine MachineThatKeeps(std::map<std::string, probes::Probe>& kept) {
  Machine machine;
  machine.prepare = [&kept](probes::Probe probe) {
    kept[probe.name] = probe;
    probes::Probe stand_in;
    stand_in.name = probe.name;
    return probes::PreparedProbe::Prepare(stand_in);
  };
  return machine;
}

// The last words of all keys.
std::set<std::string> KeyWords() {
  std::set<std::string> words;
  for (const std::string& path : ConfigurationKeys())
    words.insert(path.substr(path.rfind('.') + 1));
  return words;
}

// The example with every key that is commented out in force.
std::string WithEveryKey() {
  const std::regex comment("( *)# ([a-z_]+)(:.*)");
  const std::set<std::string> words = KeyWords();
  std::ifstream file(kExample);
  std::string text;
  for (std::string line; std::getline(file, line);) {
    std::smatch part;
    if (std::regex_match(line, part, comment) && words.contains(part[2])) {
      line = part[1].str() + part[2].str() + part[3].str();
    }
    text += line + "\n";
  }
  return text;
}

// Keys that hold what people choose.
bool HoldsFreeKeys(const std::string& path) {
  return path == "probes" || path.ends_with(".headers") || path.ends_with(".expect_header");
}

// Paths as ConfigurationKeys() gives them.
void CollectPaths(const YamlNode& node, const std::string& path, std::set<std::string>& paths) {
  for (const YamlNode& child : node.children) {
    std::string below = path;
    if (node.kind == YamlNode::Kind::kMap) {
      const std::string step = HoldsFreeKeys(path) ? "*" : child.key;
      below += (path.empty() ? "" : ".") + step;
      if (!below.ends_with("*")) paths.insert(below);
    }
    CollectPaths(child, below, paths);
  }
}

TEST(Example, IsRight) {
  std::map<std::string, probes::Probe> kept;
  const auto read = ReadConfiguration(kExample, MachineThatKeeps(kept));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT(read.value().notes, testing::IsEmpty());
}

TEST(Example, IsRightWithEveryKeyInForce) {
  std::map<std::string, probes::Probe> kept;
  const auto read = ParseConfiguration(WithEveryKey(), kExample, MachineThatKeeps(kept));
  ASSERT_TRUE(read.ok()) << read.error().message;
}

TEST(Example, HasEveryKey) {
  const auto tree = ParseYaml(WithEveryKey(), kExample);
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  std::set<std::string> paths;
  CollectPaths(tree.value(), "", paths);
  for (const std::string& key : ConfigurationKeys()) {
    // Those of the schedule are shown once, in checker.defaults.
    const std::string in_defaults = "checker.defaults." + key.substr(key.rfind('.') + 1);
    const bool is_there =
        paths.contains(key) || (key.starts_with("probes.*.") && std::ranges::count(key, '.') == 2 &&
                                paths.contains(in_defaults));
    EXPECT_TRUE(is_there) << key << " is not in exporter/example.yml";
  }
}

TEST(Example, SaysTheDefaults) {
  std::map<std::string, probes::Probe> shown;
  const auto read = ReadConfiguration(kExample, MachineThatKeeps(shown));
  std::map<std::string, probes::Probe> defaults;
  const auto bare = ParseConfiguration(
      "probes: {icmp: {}, page: {type: https, http: {path: /health, "
      "host: shop.example.org, headers: {Accept: text/html}, drain_status: 503}}, "
      "vip: {type: dr}}",
      "bare", MachineThatKeeps(defaults));
  ASSERT_TRUE(read.ok() && bare.ok());
  for (const auto& [name, probe] : defaults) EXPECT_EQ(shown[name], probe) << name;

  // Those that follow from others are commented out: in force, they must change nothing.
  std::map<std::string, probes::Probe> in_force;
  ASSERT_TRUE(ParseConfiguration(WithEveryKey(), kExample, MachineThatKeeps(in_force)).ok());
  EXPECT_EQ(in_force["tcp"], defaults["tcp"]);

  const checker::Configuration& a = read.value().checker;
  const checker::Configuration& b = bare.value().checker;
  EXPECT_EQ(a.metrics_level, b.metrics_level);
  EXPECT_EQ(a.flap.window, b.flap.window);
  EXPECT_EQ(a.flap.threshold, b.flap.threshold);
  EXPECT_EQ(a.absent_retention, b.absent_retention);
  EXPECT_EQ(a.arp_leak_interval, b.arp_leak_interval);
  EXPECT_EQ(a.limits.max_in_flight, b.limits.max_in_flight);
  EXPECT_EQ(a.limits.max_start_rate, b.limits.max_start_rate);
  EXPECT_EQ(a.limits.max_per_address, b.limits.max_per_address);

  const director::Configuration& c = read.value().director;
  const director::Configuration& d = bare.value().director;
  EXPECT_EQ(c.directors, d.directors);
  EXPECT_EQ(c.sync_daemon, d.sync_daemon);
  EXPECT_EQ(c.keepalived.expected, d.keepalived.expected);
  EXPECT_EQ(c.keepalived.pid_file, d.keepalived.pid_file);
  EXPECT_EQ(c.keepalived.send_signal, d.keepalived.send_signal);
  EXPECT_EQ(read.value().audit.interval, bare.value().audit.interval);
}

TEST(Example, OfTheReadmeIsRight) {
  std::ifstream file(SOURCE_DIR "/README.md");
  std::stringstream readme;
  readme << file.rdbuf();
  const std::string text = readme.str();
  const std::size_t begin = text.find("```yaml\nchecker:");
  ASSERT_NE(begin, text.npos);
  const std::string example = text.substr(begin + 8, text.find("```", begin + 8) - begin - 8);
  std::map<std::string, probes::Probe> kept;
  const auto read = ParseConfiguration(example, "README.md", MachineThatKeeps(kept));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value().checker.services.size(), 2U);
}

}  // namespace
}  // namespace lvs
