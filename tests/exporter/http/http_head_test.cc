#include "exporter/http/http_head.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace lvs {
namespace {

TEST(HttpHeadTest, EveryAnswerCarriesTheSameHeaders) {
  EXPECT_EQ(RenderHead(TextResponse(404, "gone"), 784111777),
            "HTTP/1.1 404 Not Found\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 5\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "X-Frame-Options: deny\r\n"
            "Referrer-Policy: no-referrer\r\n"
            "Cache-Control: no-store\r\n"
            "Content-Security-Policy: default-src 'none'\r\n"
            "Connection: close\r\n"
            "\r\n");
}

TEST(HttpHeadTest, AHeaderOfTheAnswerReplacesTheCommonOne) {
  HttpResponse response = TextResponse(200, "");
  response.headers = {{"content-security-policy", "default-src 'self'"}, {"Vary", "Accept"}};
  const std::string head = RenderHead(response, 0);
  EXPECT_EQ(head.find("default-src 'none'"), head.npos);
  EXPECT_NE(head.find("\r\ncontent-security-policy: default-src 'self'\r\n"), head.npos);
  EXPECT_NE(head.find("\r\nVary: Accept\r\n"), head.npos);
  EXPECT_NE(head.find("\r\nX-Frame-Options: deny\r\n"), head.npos);
}

TEST(HttpHeadTest, AnAnswerWithoutABodyHasLengthZero) {
  const std::string head = RenderHead({.content_type = "", .headers = {}, .body = nullptr}, 0);
  EXPECT_NE(head.find("\r\nContent-Length: 0\r\n"), head.npos);
  EXPECT_EQ(head.find("Content-Type:"), head.npos);
}

TEST(HttpHeadTest, AStatusWithoutAReasonIsStillAStatusLine) {
  EXPECT_TRUE(RenderHead(TextResponse(418, "tea"), 0).starts_with("HTTP/1.1 418 \r\n"));
}

}  // namespace
}  // namespace lvs
