#include "daemon/access/identity_key.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "daemon/access/pem.h"
#include "daemon/access/private_file.h"
#include "tls/certificate.h"

using namespace cobble::access;

namespace {

struct Folder {
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path = "/tmp/cobble-key-XXXXXX";
};

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

std::string error_of(const Folder& folder) {
  const auto key = IdentityKey::load_or_create(folder.path);
  return key ? "none" : key.error();
}

}  // namespace

TEST_CASE("the fingerprint of a known key") {
  std::string bytes;
  const std::string hex = "b9b50fba783c0375bf018a6e54ab94fc2425cd9b36cfa34051f428c3d20908cb";
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  CHECK(cobble::tls::key_fingerprint(bytes) == "DEWCEOKK2HV376UXFDZORUX7A4RL7MV2TDGKSRZ3JREH5G3RBMB4R2WLW2ZSKIARZXUYSFN7KFJ6Q");
}

TEST_CASE("a key is made once and kept, whatever the umask") {
  const Folder folder;
  const mode_t mask = ::umask(0777);
  const auto made = IdentityKey::load_or_create(folder.path);
  ::umask(mask);
  REQUIRE(made);
  CHECK(mode_of(folder.path + "/identity") == 0700);
  CHECK(mode_of(folder.path + "/identity/key.pem") == 0600);
  const auto again = IdentityKey::load_or_create(folder.path);
  REQUIRE(again);
  CHECK(again->fingerprint() == made->fingerprint());
}

TEST_CASE("a key that others may read, or that is none, is refused") {
  const Folder folder;
  const std::string path = folder.path + "/identity/key.pem";
  REQUIRE(IdentityKey::load_or_create(folder.path));
  std::filesystem::permissions(folder.path + "/identity", std::filesystem::perms(0755));
  CHECK(error_of(folder) ==
        "cannot load identity key: expected permission 0o700 (got 0o755) for \"" + folder.path + "/identity\"");
  std::filesystem::permissions(folder.path + "/identity", std::filesystem::perms(0700));
  std::filesystem::permissions(path, std::filesystem::perms(0640));
  CHECK(error_of(folder) == "cannot load identity key: expected permission 0o600 (got 0o640) for \"" + path + "\"");
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  std::ofstream(path, std::ios::app) << "x";
  CHECK(error_of(folder) == "cannot load identity key: unexpected bytes after 'PRIVATE KEY' block in \"" + path + "\"");
  std::ofstream(path) << "";
  CHECK(error_of(folder) == "cannot load identity key: missing 'PRIVATE KEY' block in \"" + path + "\"");
  std::ofstream(path) << write_pem_block("PRIVATE KEY", "not a key");
  CHECK(error_of(folder) == "cannot load identity key: ed25519 type private key expected");
}

TEST_CASE("the daemon's directory must be there") {
  CHECK(IdentityKey::load_or_create("/nonexistent").error() ==
        "cannot create identity directory: mkdir /nonexistent/identity: no such file or directory");
}

TEST_CASE("the certificate is kept until the key changes") {
  const Folder folder;
  const Folder other;
  const auto key = IdentityKey::load_or_create(folder.path);
  const auto other_key = IdentityKey::load_or_create(other.path);
  REQUIRE(key);
  REQUIRE(other_key);
  const auto made = load_or_create_certificate(*key, folder.path);
  REQUIRE(made);
  CHECK(mode_of(folder.path + "/tls/identity.pem") == 0600);
  const auto again = load_or_create_certificate(*key, folder.path);
  REQUIRE(again);
  CHECK(::X509_cmp(made->get(), again->get()) == 0);
  const auto replaced = load_or_create_certificate(*other_key, folder.path);
  REQUIRE(replaced);
  CHECK(::X509_cmp(made->get(), replaced->get()) != 0);
  CHECK(::X509_verify(replaced->get(), other_key->get()) == 1);
  const Leaf leaf = make_leaf(*key);
  CHECK(::X509_verify(leaf.certificate.get(), key->get()) == 1);
  CHECK(::EVP_PKEY_eq(leaf.key.get(), key->get()) != 1);
}

TEST_CASE("a certificate that has expired is made anew with the same key") {
  const Folder folder;
  const auto key = IdentityKey::load_or_create(folder.path);
  REQUIRE(key);
  REQUIRE(load_or_create_certificate(*key, folder.path));
  cobble::tls::CertificateContent content;
  content.common_name = key->common_name();
  content.seconds = -1;
  const auto expired = cobble::tls::make_certificate(key->get(), key->get(), content);
  unsigned char* bytes = nullptr;
  const int size = ::i2d_X509(expired.get(), &bytes);
  REQUIRE(size > 0);
  std::ofstream(folder.path + "/tls/identity.pem")
      << write_pem_block("CERTIFICATE", {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  ::OPENSSL_free(bytes);
  const auto renewed = load_or_create_certificate(*key, folder.path);
  REQUIRE(renewed);
  CHECK(::X509_cmp(renewed->get(), expired.get()) != 0);
  CHECK(::X509_verify(renewed->get(), key->get()) == 1);
  const auto kept = load_or_create_certificate(*key, folder.path);
  REQUIRE(kept);
  CHECK(::X509_cmp(renewed->get(), kept->get()) == 0);
}

TEST_CASE("the key is loaded without being made") {
  const Folder folder;
  const auto none = IdentityKey::load(folder.path);
  REQUIRE(none);
  CHECK_FALSE(none->has_value());
  CHECK_FALSE(std::filesystem::exists(folder.path + "/identity"));
  const auto made = IdentityKey::load_or_create(folder.path);
  REQUIRE(made);
  const auto loaded = IdentityKey::load(folder.path);
  REQUIRE((loaded && *loaded));
  CHECK((*loaded)->fingerprint() == made->fingerprint());
}
