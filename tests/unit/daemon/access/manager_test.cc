#include "daemon/access/manager.h"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <openssl/x509.h>

#include "daemon/access/certificate.h"
#include "daemon/access/identity_key.h"
#include "daemon/access/pem.h"
#include "layers/base64.h"

using namespace cobble;
using namespace cobble::access;
using namespace std::chrono_literals;

namespace {

/// `test`
const std::string hash = "$6$saltsalt$JcVDtuB6d1BHhCd5RPBh8g8xX/1CbY8EU2PN0MTaj2/Mypw4P./C6dN4j0HALhzBDTocyW1Jm.gYaTPjFGCV40";

/// A manager with storage in memory, running as UID 500.
struct Daemon {
  base::IoContext loop;
  std::map<std::string, std::string, std::less<>> data;
  Manager manager{loop,
                  {[this](std::string_view key) -> std::optional<std::string> {
                     const auto found = data.find(key);
                     return found == data.end() ? std::nullopt : std::optional(found->second);
                   },
                   [this](std::string_view key, std::string json) { data[std::string(key)] = std::move(json); }},
                  500};

  void post(std::string_view body) {
    const auto request = parse_identity_request(body);
    REQUIRE(request);
    REQUIRE(manager.change({}, *request));
  }

  RequestUser identify(const Evidence& evidence) {
    RequestUser user;
    base::spawn(loop, "identify", [](Manager& asked, Evidence given, RequestUser& result) -> base::Task<void> {
      result = co_await asked.identify(given);
    }(manager, evidence, user));
    loop.run();
    loop.restart();
    return user;
  }
};

std::string login(const std::string& text) {
  return "Basic " + layers::encode_base64(text);
}

Evidence socket_peer(std::uint32_t uid, std::string_view authorization = {}) {
  Evidence evidence;
  evidence.uid = uid;
  evidence.authorization = authorization;
  return evidence;
}

/// The DER of a certificate; its use is for servers only when it is a leaf.
std::string made_certificate(bool leaf) {
  std::string folder = "/tmp/cobble-access-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const auto key = IdentityKey::load_or_create(folder);
  REQUIRE(key);
  ::unlink((folder + "/identity/key.pem").c_str());
  ::rmdir((folder + "/identity").c_str());
  ::rmdir(folder.c_str());
  const auto certificate = leaf ? make_leaf(*key).certificate : make_identity_certificate(*key);
  unsigned char* bytes = nullptr;
  const int size = ::i2d_X509(certificate.get(), &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  ::OPENSSL_free(bytes);
  return der;
}

}  // namespace

TEST_CASE("a socket peer is what its UID says, unless an identity has that UID") {
  Daemon daemon;
  CHECK(daemon.manager.identify_now(socket_peer(0))->level == Level::admin);
  CHECK(daemon.manager.identify_now(socket_peer(500))->level == Level::admin);
  CHECK(daemon.manager.identify_now(socket_peer(1000))->level == Level::read);
  CHECK(daemon.manager.identify_now(socket_peer(0xFFFFFFFF))->level == Level::none);
  daemon.post(R"({"action": "add", "identities": {"root": {"access": "untrusted", "local": {"user-id": 0}}}})");
  const auto root = daemon.manager.identify_now(socket_peer(0));
  CHECK(root->level == Level::untrusted);
  CHECK(root->identity == "root");
  CHECK(root->uid == 0U);
  Evidence tcp = socket_peer(0);
  tcp.transport = Transport::http;
  CHECK(daemon.manager.identify_now(tcp)->level == Level::none);
}

TEST_CASE("a right login counts before the UID, a wrong one not at all") {
  Daemon daemon;
  daemon.post(R"({"action": "add", "identities": {"al": {"access": "metrics", "basic": {"password": ")" + hash + R"("}},
                  "low": {"access": "untrusted", "local": {"user-id": 1000}}}})");
  const std::string right = login("al:test");
  const std::string wrong = login("al:Test");
  CHECK_FALSE(daemon.manager.identify_now(socket_peer(0, right)));
  const RequestUser user = daemon.identify(socket_peer(0, right));
  CHECK(user.identity == "al");
  CHECK(user.level == Level::metrics);
  CHECK_FALSE(user.uid);
  CHECK(daemon.manager.identify_now(socket_peer(0, right))->identity == "al");
  CHECK(daemon.identify(socket_peer(0, wrong)).level == Level::admin);
  CHECK(daemon.identify(socket_peer(1000, wrong)).identity == "low");
  CHECK(daemon.manager.identify_now(socket_peer(0, wrong))->level == Level::admin);
  for (const std::string& odd : {std::string("Bearer x"), std::string("Basic !"), login(":"), login("nocolon"), login("Al:test")})
    CHECK(daemon.manager.identify_now(socket_peer(1000, odd))->identity == "low");
  const std::string small = "basic" + right.substr(5);
  CHECK(daemon.manager.identify_now(socket_peer(1000, small))->identity == "al");
  Evidence tls = socket_peer(0, right);
  tls.transport = Transport::https;
  CHECK(daemon.manager.identify_now(tls)->level == Level::none);
}

TEST_CASE("an identity that changes while its password is checked isn't proven") {
  Daemon daemon;
  daemon.post(R"({"action": "add", "identities": {"al": {"access": "admin", "basic": {"password": ")" + hash + R"("}}}})");
  const std::string right = login("al:test");
  RequestUser user;
  base::spawn(daemon.loop, "identify", [](Manager& manager, Evidence evidence, RequestUser& result) -> base::Task<void> {
    result = co_await manager.identify(evidence);
  }(daemon.manager, socket_peer(1000, right), user));
  daemon.loop.poll_one();
  daemon.post(R"({"action": "remove", "identities": {"al": null}})");
  daemon.loop.run();
  CHECK(user.identity.empty());
  CHECK(user.level == Level::read);
}

TEST_CASE("a certificate is recognised when it is the stored one and may be a client's") {
  Daemon daemon;
  const std::string client = made_certificate(false);
  const std::string server = made_certificate(true);
  CHECK(certificate_from_pem(write_pem_block("FOO", client)) == client);
  IdentityRequest request;
  request.action = "add";
  for (const auto& [name, der] : {std::pair{"client", client}, std::pair{"server", server}}) {
    Identity identity;
    identity.level = Level::admin;
    identity.certificate_der = der;
    request.identities[name] = identity;
  }
  REQUIRE(daemon.manager.change({}, request));
  Evidence evidence;
  evidence.transport = Transport::https;
  evidence.certificate_der = client;
  CHECK(daemon.manager.identify_now(evidence)->identity == "client");
  evidence.certificate_der = server;
  CHECK(daemon.manager.identify_now(evidence)->level == Level::none);
  CHECK(usable_as_client(server, base::wall_now()).error() == "x509: certificate specifies an incompatible key usage");
  CHECK(usable_as_client(client, base::wall_now() - 1h).error().find(" is before ") != std::string::npos);
  CHECK(usable_as_client(client, base::wall_now() + 4000 * 24h).error().find(" is after ") != std::string::npos);
  const std::string other = made_certificate(false);
  evidence.certificate_der = other;
  CHECK(daemon.manager.identify_now(evidence)->level == Level::none);
}

TEST_CASE("identities and pairing outlive the manager") {
  Daemon first;
  first.post(R"({"action": "add", "identities": {"al": {"access": "read", "local": {"user-id": 7}}}})");
  first.manager.set_pairing_mode("single");
  REQUIRE(first.manager.open_window({}, 1min));
  const std::string client = made_certificate(false);
  REQUIRE(first.manager.pair(client));
  Daemon second;
  second.data = first.data;
  REQUIRE(second.manager.load());
  CHECK(second.manager.identities() == first.manager.identities());
  CHECK(second.manager.window().paired());
  CHECK_FALSE(second.manager.window().is_open(std::chrono::steady_clock::now()));
  second.data["identities"] = R"({"c": {"access": "read", "cert": {"pem": "x"}}})";
  CHECK(second.manager.load().error() ==
        "cannot create identities manager: internal error: could not unmarshal state entry \"identities\": cert identity must "
        "include "
        "a PEM-encoded certificate");
}

TEST_CASE("pairing makes one admin a window, and none twice") {
  Daemon daemon;
  const std::string client = made_certificate(false);
  CHECK(daemon.manager.pair(client).error().message == "cannot pair client: cannot pair while pairing window is disabled");
  daemon.manager.set_pairing_mode("multiple");
  REQUIRE(daemon.manager.open_window({}, 1min));
  CHECK(daemon.manager.authorise(Access::pairing, Transport::https, {}, "/v1/pairing"));
  CHECK_FALSE(daemon.manager.authorise(Access::pairing, Transport::unix_socket, {}, "/v1/pairing"));
  REQUIRE(daemon.manager.pair(client));
  CHECK(daemon.manager.identities().at("user-1").level == Level::admin);
  CHECK(daemon.data.at("pairing-details") == R"({"paired":true})");
  CHECK_FALSE(daemon.manager.authorise(Access::pairing, Transport::https, {}, "/v1/pairing"));
  REQUIRE(daemon.manager.open_window({}, 1min));
  REQUIRE(daemon.manager.pair(client));
  CHECK(daemon.manager.identities().size() == 1);
  REQUIRE(daemon.manager.open_window({}, 1min));
  CHECK(daemon.manager.pair(made_certificate(true)).error().message ==
        "cannot pair client: cannot verify client certificate signature: x509: certificate specifies an incompatible key usage");
  CHECK_FALSE(daemon.manager.window().is_open(std::chrono::steady_clock::now()));
}

TEST_CASE("who has lost a level no longer holds it") {
  Daemon daemon;
  int changes = 0;
  daemon.manager.on_change([&] { ++changes; });
  const auto plain = *daemon.manager.identify_now(socket_peer(1000));
  daemon.post(R"({"action": "add", "identities": {"al": {"access": "admin", "local": {"user-id": 7}}}})");
  const auto user = *daemon.manager.identify_now(socket_peer(7));
  CHECK(daemon.manager.still_holds(user));
  CHECK(daemon.manager.still_holds(plain));
  daemon.post(R"({"action": "update", "identities": {"al": {"access": "read", "local": {"user-id": 7}}}})");
  CHECK_FALSE(daemon.manager.still_holds(user));
  daemon.post(R"({"action": "replace", "identities": {"al": null, "low": {"access": "untrusted", "local": {"user-id": 1000}}}})");
  CHECK_FALSE(daemon.manager.still_holds(user));
  CHECK_FALSE(daemon.manager.still_holds(plain));
  CHECK(daemon.manager.still_holds({}));
  CHECK(changes == 3);
}

TEST_CASE("a refusal is a 401 whatever the reason") {
  Daemon daemon;
  for (const Level level : {Level::none, Level::untrusted, Level::metrics, Level::read}) {
    RequestUser user;
    user.level = level;
    const auto refused = daemon.manager.authorise(Access::admin, Transport::unix_socket, user, "/v1/plan");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == 401);
    CHECK(refused.error().message == "access denied");
    CHECK(refused.error().kind == "login-required");
  }
}
