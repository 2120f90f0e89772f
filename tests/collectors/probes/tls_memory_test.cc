#include "collectors/probes/tls_memory.h"

#include <gtest/gtest.h>

#include <memory>

namespace lvs::probes {
namespace {

using namespace std::chrono_literals;

class TlsMemoryTest : public ::testing::Test {
 protected:
  static std::shared_ptr<SSL_CTX> Context() { return {SSL_CTX_new(TLS_method()), SSL_CTX_free}; }
  static SslSession Session() { return {SSL_SESSION_new(), SSL_SESSION_free}; }
  void KeepFull(const SslSession& session) {
    memory_.KeepFull(session, facts_, start_, context_.get());
  }
  bool ResumesAt(Clock::duration after) {
    return memory_.At(start_ + after, 5min, context_.get()).has_value();
  }

  const std::shared_ptr<SSL_CTX> context_ = Context();
  const std::shared_ptr<const CertificateFacts> facts_ = std::make_shared<CertificateFacts>();
  const Clock::time_point start_{};
  TlsMemory memory_;
};

TEST_F(TlsMemoryTest, HasNothingAtFirst) { EXPECT_FALSE(ResumesAt(0s)); }

TEST_F(TlsMemoryTest, GivesTheSessionWithItsFacts) {
  const SslSession session = Session();
  KeepFull(session);
  const auto resumable = memory_.At(start_, 5min, context_.get());
  ASSERT_TRUE(resumable.has_value());
  EXPECT_EQ(resumable->session, session);
  EXPECT_EQ(resumable->facts, facts_);
}

TEST_F(TlsMemoryTest, FullHandshakeIsDueAfterAWhile) {
  KeepFull(Session());
  EXPECT_TRUE(ResumesAt(5min - 1ms));
  EXPECT_FALSE(ResumesAt(5min));
}

TEST_F(TlsMemoryTest, NewerSessionDoesNotPutTheFullHandshakeOff) {
  KeepFull(Session());
  const SslSession newer = Session();
  memory_.KeepResumed(newer);
  EXPECT_EQ(memory_.At(start_, 5min, context_.get())->session, newer);
  EXPECT_FALSE(ResumesAt(5min));
}

TEST_F(TlsMemoryTest, ResumedHandshakeWithoutATicketKeepsTheOld) {
  KeepFull(Session());
  memory_.KeepResumed(nullptr);
  EXPECT_TRUE(ResumesAt(0s));
}

TEST_F(TlsMemoryTest, FullHandshakeWithoutASessionForgetsTheOld) {
  KeepFull(Session());
  KeepFull(nullptr);
  EXPECT_FALSE(ResumesAt(0s));
}

TEST_F(TlsMemoryTest, ForgetsAfterAFailure) {
  KeepFull(Session());
  memory_.Forget();
  memory_.KeepResumed(Session());
  EXPECT_FALSE(ResumesAt(0s));
}

TEST_F(TlsMemoryTest, OtherContextTrustsOthers) {
  KeepFull(Session());
  EXPECT_FALSE(memory_.At(start_, 5min, Context().get()).has_value());
}

}  // namespace
}  // namespace lvs::probes
