// The real program, from its flags to its exit status.

#include "tests/support/program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "tests/support/fake_procfs.h"
#include "tests/support/raw_http.h"

namespace lvs {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kAnyPort = "--web.listen-address=127.0.0.1:0";

std::size_t CountOf(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// A /proc without IPVS, so that a test says the same on every machine.
class ProgramTest : public testing::Test {
 protected:
  std::vector<std::string> Flags(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {kAnyPort, "--path.procfs=" + procfs_.root()});
    return more;
  }

  fake::Procfs procfs_;
};

TEST_F(ProgramTest, ServesWithoutTheModuleAndSaysSoOnce) {
  Program program(Flags());
  const std::uint16_t port = program.Port();
  ASSERT_NE(port, 0) << program.error();
  for (int i = 0; i < 3; ++i) {
    const RawResponse response = Get(port, "/metrics");
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("\nipvs_up 0\n"));
  }
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(CountOf(program.error(), "level=warn"), 4U)  // ipvs, connections, audit and process
      << program.error();
  EXPECT_EQ(CountOf(program.error(), "ip_vs is not loaded"), 1U) << program.error();
}

TEST_F(ProgramTest, EndsCleanlyOnBothSignals) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Program program(Flags());
    ASSERT_NE(program.Port(), 0);
    program.Signal(signal);
    EXPECT_EQ(program.Wait(), 0);
    EXPECT_THAT(program.error(), HasSubstr("msg=stopping signal=SIG"));
  }
}

TEST_F(ProgramTest, EndsWhileClientsAreInTheMiddleOfARequest) {
  Program program(Flags());
  const std::uint16_t port = program.Port();
  ASSERT_NE(port, 0);
  std::vector<RawConnection> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(HalfOpen(port));
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0);
}

// Nobody reads standard error, and it is full.
TEST_F(ProgramTest, EndsThoughItsLogIsStuck) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const std::string filler(65536, 'x');
  while (write(ends[1], filler.data(), filler.size()) > 0) {
  }
  while (write(ends[1], "x", 1) > 0) {
  }
  ASSERT_EQ(fcntl(ends[1], F_SETFL, 0), 0);  // the program sees an ordinary, blocking pipe
  Program program(Flags(), ends[1]);
  program.WaitForItsThreads();
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0);
  close(ends[0]);
  close(ends[1]);
}

// A read in the kernel that does not come back, here of a pipe that nobody writes.
TEST_F(ProgramTest, EndsThoughACollectorIsStuck) {
  procfs_.Write("net/ip_vs", "");
  ASSERT_EQ(mkfifo((procfs_.root() + "/net/ip_vs_stats_percpu").c_str(), 0600), 0);
  Program program(Flags());
  ASSERT_NE(program.Port(), 0);
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 0);
}

TEST_F(ProgramTest, SurvivesAHangup) {
  Program program(Flags());
  const std::uint16_t port = program.Port();
  ASSERT_NE(port, 0);
  program.Signal(SIGHUP);
  EXPECT_EQ(Get(port, "/-/healthy").status, 200);
}

TEST_F(ProgramTest, AWrongFlagIsOneSentenceAndStatusTwo) {
  Program program({"--web.listen-address=127.0.0.1:0", "--log.level=loud"});
  EXPECT_EQ(program.Wait(), 2);
  EXPECT_EQ(program.error(),
            "ipvs_exporter: --log.level=loud: expected debug, info, warn or error\n");
  EXPECT_EQ(program.output(), "");
}

TEST_F(ProgramTest, ATakenPortIsSaidWithItsReason) {
  Program first(Flags());
  const std::uint16_t port = first.Port();
  ASSERT_NE(port, 0);
  const std::string address = "127.0.0.1:" + std::to_string(port);
  Program second({"--web.listen-address=" + address});
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(second.error(), HasSubstr(address));
  EXPECT_THAT(second.error(), HasSubstr("in use"));
}

TEST_F(ProgramTest, AllAddressesAreBoundOrNone) {
  Program first(Flags());
  const std::uint16_t taken = first.Port();
  ASSERT_NE(taken, 0);
  Program second(Flags({"--web.listen-address=127.0.0.1:" + std::to_string(taken)}));
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(second.error(), Not(HasSubstr("msg=listening")));
}

TEST_F(ProgramTest, JsonLogsAreJson) {
  Program program(Flags({"--log.format=json"}));
  ASSERT_TRUE(program.WaitForError("listening"));
  EXPECT_THAT(program.error(), StartsWith("{\"ts\":\""));
}

TEST_F(ProgramTest, ServesTheMetricsAtAnotherPathAndWithFewerCollectors) {
  Program program(Flags({"--web.telemetry-path=/other", "--no-collector.process"}));
  const std::uint16_t port = program.Port();
  ASSERT_NE(port, 0);
  EXPECT_EQ(Get(port, "/metrics").status, 404);
  const RawResponse response = Get(port, "/other");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, Not(HasSubstr("process_")));
  EXPECT_EQ(Get(port, "/other?collect[]=process").status, 400);
}

TEST_F(ProgramTest, CountsRequestsByRoute) {
  Program program(Flags());
  const std::uint16_t port = program.Port();
  ASSERT_NE(port, 0);
  EXPECT_EQ(Get(port, "/-/healthy").status, 200);
  EXPECT_EQ(Get(port, "/secret?token=x").status, 404);
  const std::string page = Get(port, "/metrics").body;
  EXPECT_THAT(page, HasSubstr("http_requests_total{route=\"/-/healthy\",code=\"200\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("http_requests_total{route=\"other\",code=\"404\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("secret")));
}

// Descriptors and threads must not grow with scrapes.
TEST_F(ProgramTest, TheHundredthScrapeHoldsNoMoreThanTheFirst) {
  Program program({kAnyPort});
  const std::uint16_t port = program.Port();
  ASSERT_NE(port, 0);
  const auto value = [&](const std::string& name) {
    const std::string page = Get(port, "/metrics").body;
    const std::size_t at = page.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stoi(page.substr(at + name.size() + 2));
  };
  const int threads = value("process_threads");
  const int fds = value("process_open_fds");
  ASSERT_GT(threads, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Get(port, "/metrics").status, 200);
  EXPECT_EQ(value("process_threads"), threads);
  // The connection before this one may not be closed yet, or was not at the first look.
  EXPECT_NEAR(value("process_open_fds"), fds, 3);
}

}  // namespace
}  // namespace lvs
