// The real program with its health checker, from a configuration file to the page.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "collectors/clock.h"
#include "tests/support/fake_procfs.h"
#include "tests/support/program.h"
#include "tests/support/raw_http.h"
#include "tests/support/tcp_server.h"

namespace lvs {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

// One declared service over a server of the test; no kernel.
class HealthTest : public testing::Test {
 protected:
  HealthTest() {
    std::filesystem::create_directories(folder_);
    StartServer(200);
    WriteFile("200-299");
  }
  ~HealthTest() override { std::filesystem::remove_all(folder_); }

  void StartServer(int status) {
    server_ = std::make_unique<fake::TcpServer>([status](fake::Peer& peer) {
      peer.ReadRequest();
      peer.Send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n");
    });
  }

  void WriteFile(const std::string& expect_status, const std::string& more = "") {
    std::ofstream(file_) << "checker:\n"
                            "  defaults: {interval: 200ms, timeout: 200ms}\n"
                            "probes:\n"
                            "  page: {type: http, http: {expect_status: "
                         << expect_status
                         << "}}\n"
                            "services:\n"
                            "  - match: {address: 192.0.2.1, port: 80, proto: TCP}\n"
                            "    name: shop\n"
                            "    probes: [page]\n"
                            "    backends: [{address: 127.0.0.1, port: "
                         << server_->port() << "}]\n"
                         << more;
  }

  void Start(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--web.listen-address=127.0.0.1:0",
                               "--path.procfs=" + procfs_.root(), "--config.file=" + file_});
    program_ = std::make_unique<Program>(more);
    port_ = program_->Port();
    ASSERT_NE(port_, 0) << program_->error();
  }

  // Waits until the page holds the text.
  void WaitFor(const std::string& text) {
    std::string page;
    for (const auto deadline = Clock::now() + 60s; Clock::now() < deadline;) {
      page = Get(port_, "/metrics").body;
      if (page.find(text) != std::string::npos) return;
      std::this_thread::sleep_for(20ms);
    }
    ADD_FAILURE() << "the page never held " << text << "\n" << page;
  }

  std::string Labels() const {
    return "{local_address=\"192.0.2.1\",local_port=\"80\",proto=\"TCP\",local_mark=\"\","
           "address_family=\"ipv4\",remote_address=\"127.0.0.1\",remote_port=\"" +
           std::to_string(server_->port()) + "\"";
  }

  const std::string folder_ =
      std::filesystem::temp_directory_path() / ("health_test." + std::to_string(getpid()));
  const std::string file_ = folder_ + "/checks.yml";
  fake::Procfs procfs_;
  std::unique_ptr<fake::TcpServer> server_;
  std::unique_ptr<Program> program_;
  std::uint16_t port_ = 0;
};

TEST_F(HealthTest, AServerIsUpAndThenDownWithTheReason) {
  Start();
  WaitFor("\nipvs_backend_up" + Labels() + "} 1\n");
  const std::string labels = Labels();
  server_.reset();
  WaitFor("\nipvs_backend_down_reason" + labels + ",layer=\"l4\",reason=\"connect_refused\"} 1\n");
  WaitFor("\nipvs_backend_transitions_total" + labels + ",to=\"down\"} 1\n");
  EXPECT_TRUE(program_->WaitForError("msg=\"backend is down\" service=shop"));
  const auto events = nlohmann::json::parse(Get(port_, "/api/v1/events").body)["events"];
  EXPECT_EQ(events[0]["reason"], "connect_refused");
  EXPECT_EQ(events[0]["transition"], true);
  const auto services = nlohmann::json::parse(Get(port_, "/api/v1/services").body)["services"];
  EXPECT_EQ(services[0]["backends"][0]["health"]["verdict"], "down");
  EXPECT_THAT(Get(port_, "/").body, HasSubstr("l4 connect_refused"));
}

TEST_F(HealthTest, DiscoveryListsTheBackends) {
  Start();
  WaitFor("\nipvs_backend_up" + Labels() + "} 1\n");
  const auto list = nlohmann::json::parse(Get(port_, "/sd/backends").body);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["targets"][0], "127.0.0.1:" + std::to_string(server_->port()));
  EXPECT_EQ(list[0]["labels"]["__meta_ipvs_service"], "shop");
}

TEST_F(HealthTest, SighupTakesOverANewFile) {
  Start();
  WaitFor("\nipvs_backend_up" + Labels() + "} 1\n");
  WriteFile("404");
  program_->Signal(SIGHUP);
  WaitFor(",layer=\"l7\",reason=\"http_status\"} 1\n");
  EXPECT_TRUE(program_->WaitForError("configuration reloaded"));
}

TEST_F(HealthTest, ARefusedFileChangesNothing) {
  Start({"--web.enable-lifecycle"});
  WaitFor("\nipvs_backend_up" + Labels() + "} 1\n");
  WaitFor("\nipvs_exporter_config_last_reload_successful 1\n");
  WriteFile("404", "nonsense: 1\n");
  const RawResponse refused =
      Exchange(port_, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(refused.status, 500);
  EXPECT_EQ(refused.body, file_ + ":10: nonsense: unknown key\n");
  WaitFor("\nipvs_exporter_config_last_reload_successful 0\n");
  WaitFor("\nipvs_backend_up" + Labels() + "} 1\n");
  WriteFile("200");
  EXPECT_EQ(
      Exchange(port_, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status,
      200);
  WaitFor("\nipvs_exporter_config_last_reload_successful 1\n");
}

TEST_F(HealthTest, ReloadingOverHttpMustBeAllowed) {
  Start();
  const RawResponse refused =
      Exchange(port_, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("--web.enable-lifecycle"));
  EXPECT_EQ(Get(port_, "/-/reload").status, 405);
}

TEST_F(HealthTest, AWrongFileEndsTheProgramBeforeAnythingIsOpened) {
  WriteFile("200", "nonsense: 1\n");
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, std::vector<std::string>{"--config.check"}}) {
    std::vector<std::string> flags = {"--web.listen-address=127.0.0.1:0", "--config.file=" + file_};
    flags.insert(flags.end(), more.begin(), more.end());
    Program program(flags);
    EXPECT_EQ(program.Wait(), 2);
    EXPECT_EQ(program.error(), "ipvs_exporter: " + file_ + ":10: nonsense: unknown key\n");
  }
}

TEST_F(HealthTest, WithoutTheCheckerNothingIsProbed) {
  Start({"--no-collector.checker"});
  WaitFor("\nipvs_up 0\n");
  EXPECT_THAT(Get(port_, "/metrics").body, Not(HasSubstr("ipvs_backend_up")));
  EXPECT_EQ(server_->connections(), 0);
}

}  // namespace
}  // namespace lvs
