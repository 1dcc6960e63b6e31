#include "daemon/net/proxy.h"

#include <catch2/catch.hpp>
#include <map>

using namespace cobble::net;

namespace {

bool proxied(const char* url, const char* none) {
  const ProxySettings settings{"http://proxy:3128", "http://proxy:3129", none};
  return settings.choose(*parse_url(url)).has_value();
}

}  // namespace

TEST_CASE("the upper-case variable counts before the lower-case one") {
  const std::map<std::string, std::string> set{{"HTTP_PROXY", "a"}, {"http_proxy", "b"}, {"https_proxy", "c"}};
  const auto settings = ProxySettings::from([&](const char* name) {
    const auto found = set.find(name);
    return found == set.end() ? std::string() : found->second;
  });
  CHECK(settings.http == "a");
  CHECK(settings.https == "c");
  CHECK(settings.none == "");
}

TEST_CASE("a proxy without scheme is an http one; none means none") {
  const ProxySettings settings{"proxy:3128", "", ""};
  const auto chosen = settings.choose(*parse_url("http://h/"));
  REQUIRE(chosen);
  CHECK(chosen->scheme == "http");
  CHECK(chosen->host_port() == "proxy:3128");
  CHECK_FALSE(settings.choose(*parse_url("https://h/")));
}

TEST_CASE("which targets go past the proxy") {
  CHECK(proxied("http://h/", ""));
  CHECK_FALSE(proxied("http://localhost/", ""));
  CHECK_FALSE(proxied("http://127.8.9.1:80/", ""));
  CHECK_FALSE(proxied("https://[::1]/", ""));
  CHECK_FALSE(proxied("http://h/", "*"));
  CHECK_FALSE(proxied("http://h/", "x, H ,y"));
  CHECK_FALSE(proxied("http://a.h/", "h"));
  CHECK(proxied("http://ah/", "h"));
  CHECK_FALSE(proxied("http://a.h/", ".h"));
  CHECK(proxied("http://h/", ".h"));
  CHECK_FALSE(proxied("http://a.h/", "*.h"));
  CHECK_FALSE(proxied("http://h:81/", "h:81"));
  CHECK(proxied("http://h:82/", "h:81"));
  CHECK_FALSE(proxied("http://10.1.2.3/", "10.0.0.0/8"));
  CHECK(proxied("http://11.1.2.3/", "10.0.0.0/8"));
  CHECK_FALSE(proxied("http://[fd00::5]/", "fd00::/16"));
}

TEST_CASE("credentials") {
  CHECK(basic_credential("me", "secret") == "Basic bWU6c2VjcmV0");
}
