// The real program as a child process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lvs {

// Starts the program with these flags and collects what it writes. The destructor ends it.
class Program {
 public:
  // error_descriptor: standard error instead of the file that error() reads.
  explicit Program(std::vector<std::string> flags, int error_descriptor = -1);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Waits until standard error holds the text; false when the program ends or 30 s pass without it.
  bool WaitForError(const std::string& text);

  // The port of its first "listening" line; 0 when it ends without one.
  std::uint16_t Port();

  // Waits until the server's threads are there, which is after the program has taken over its
  // signals. For when there is no log to tell.
  void WaitForItsThreads();

  void Signal(int signal);

  // Waits for its end: the exit status, or -1 when it was ended by a signal or 30 s have passed.
  int Wait();

  std::string output() { return ReadAll(output_path_); }
  std::string error() { return ReadAll(error_path_); }

 private:
  static std::string ReadAll(const std::string& path);
  bool HasEnded();

  std::string output_path_;
  std::string error_path_;
  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
};

}  // namespace lvs
