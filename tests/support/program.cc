#include "tests/support/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

namespace lvs {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kPoll{5};

std::string TemporaryFile() {
  std::string path = testing::TempDir() + "/program_XXXXXX";
  const int fd = mkstemp(path.data());
  close(fd);
  return path;
}

void Redirect(const std::string& path, int to) {
  const int fd = open(path.c_str(), O_WRONLY | O_TRUNC);
  dup2(fd, to);
  close(fd);
}

}  // namespace

Program::Program(std::vector<std::string> flags, int error_descriptor)
    : output_path_(TemporaryFile()), error_path_(TemporaryFile()) {
  flags.insert(flags.begin(), PROGRAM);
  std::vector<char*> arguments;
  for (std::string& flag : flags) arguments.push_back(flag.data());
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Redirect(output_path_, STDOUT_FILENO);
  if (error_descriptor < 0) {
    Redirect(error_path_, STDERR_FILENO);
  } else {
    dup2(error_descriptor, STDERR_FILENO);
  }
  execv(PROGRAM, arguments.data());
  _exit(127);
}

Program::~Program() {
  if (!HasEnded()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  unlink(output_path_.c_str());
  unlink(error_path_.c_str());
}

bool Program::WaitForError(const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    const bool ended = HasEnded();  // before reading, so that the last words are read
    if (error().find(text) != std::string::npos) return true;
    if (ended) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return false;
}

std::uint16_t Program::Port() {
  if (!WaitForError("msg=listening address=")) return 0;
  if (!WaitForError("\n")) return 0;
  const std::string text = error();
  const std::size_t colon = text.find(':', text.find("address="));
  return static_cast<std::uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10));
}

void Program::WaitForItsThreads() {
  constexpr unsigned long kMany = 50;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const std::string path = "/proc/" + std::to_string(pid_) + "/status";
  while (!HasEnded() && std::chrono::steady_clock::now() < deadline) {
    const std::string status = ReadAll(path);
    const std::size_t at = status.find("Threads:");
    if (at == std::string::npos) return;
    if (std::strtoul(status.c_str() + at + 8, nullptr, 10) > kMany) return;
    std::this_thread::sleep_for(kPoll);
  }
}

void Program::Signal(int signal) { kill(pid_, signal); }

int Program::Wait() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!HasEnded()) {
    if (std::chrono::steady_clock::now() > deadline) return -1;
    std::this_thread::sleep_for(kPoll);
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

bool Program::HasEnded() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return ended_;
}

std::string Program::ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace lvs
