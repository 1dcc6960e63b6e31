#include "daemon/net/tls_roots.h"

#include <sys/stat.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string_view>
#include <tuple>
#include <vector>

#include "daemon/base/error.h"
#include "daemon/base/time.h"
#include "tls/openssl.h"

namespace cobble::net {

namespace {

namespace fs = std::filesystem;

constexpr std::array bundle_files{
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",                             // openSUSE
    "/etc/pki/tls/cacert.pem",                            // OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // CentOS, RHEL
    "/etc/ssl/cert.pem",                                  // Alpine
};
constexpr std::array bundle_directories{"/etc/ssl/certs", "/etc/pki/tls/certs"};

/// Where the roots come from, and how they looked then.
struct Source {
  std::string file;
  std::vector<std::string> directories;
  timespec changed{};

  bool operator==(const Source& other) const {
    return std::tie(file, directories, changed.tv_sec, changed.tv_nsec) ==
           std::tie(other.file, other.directories, other.changed.tv_sec, other.changed.tv_nsec);
  }
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool look_at(const std::string& path, Source& source) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return false;
  source.changed = about.st_mtim;
  return true;
}

Source find_source() {
  Source source;
  if (source.file = environment("SSL_CERT_FILE"); !source.file.empty()) {
    look_at(source.file, source);
  } else {
    for (const char* path : bundle_files) {
      if (!look_at(path, source)) continue;
      source.file = path;
      break;
    }
  }
  if (const std::string given = environment("SSL_CERT_DIR"); !given.empty()) {
    for (std::size_t at = 0; at <= given.size();) {
      const auto end = std::min(given.find(':', at), given.size());
      if (end > at) source.directories.push_back(given.substr(at, end - at));
      at = end + 1;
    }
  } else if (source.file.empty()) {
    source.directories.assign(bundle_directories.begin(), bundle_directories.end());
  }
  return source;
}

void load_roots(SSL_CTX* context, const Source& source) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  if (!source.file.empty()) X509_STORE_load_file(store, source.file.c_str());
  for (const std::string& directory : source.directories) {
    std::error_code error;
    for (const auto& item : fs::directory_iterator(directory, error)) {
      if (item.is_regular_file(error)) X509_STORE_load_file(store, item.path().c_str());
    }
  }
  ERR_clear_error();
}

struct Names {
  std::string dns;  ///< comma-separated
  std::string ip;
};

Names subject_names(X509* certificate) {
  Names names;
  auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  const auto append = [](std::string& list, const std::string& name) { list += (list.empty() ? "" : ", ") + name; };
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    const auto bytes = [&](const ASN1_STRING* text) {
      return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<std::size_t>(ASN1_STRING_length(text)));
    };
    if (name->type == GEN_DNS) append(names.dns, bytes(name->d.dNSName));
    if (name->type != GEN_IPADD) continue;
    const std::string raw = bytes(name->d.iPAddress);
    boost::asio::ip::address_v4::bytes_type four{};
    boost::asio::ip::address_v6::bytes_type six{};
    if (raw.size() == four.size()) {
      std::copy(raw.begin(), raw.end(), four.begin());
      append(names.ip, boost::asio::ip::address_v4(four).to_string());
    } else if (raw.size() == six.size()) {
      std::copy(raw.begin(), raw.end(), six.begin());
      append(names.ip, boost::asio::ip::address_v6(six).to_string());
    }
  }
  GENERAL_NAMES_free(all);
  return names;
}

std::string wrong_name_text(X509* certificate, const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  const bool is_address = !error;
  const Names names = certificate ? subject_names(certificate) : Names();
  if (is_address && names.ip.empty())
    return "x509: cannot validate certificate for " + host + " because it doesn't contain any IP SANs";
  const std::string& valid = is_address ? names.ip : names.dns;
  if (valid.empty()) return "x509: certificate is not valid for any names, but wanted to match " + host;
  return "x509: certificate is valid for " + valid + ", not " + host;
}

std::string asn1_time(const ASN1_TIME* time) {
  tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return "?";
  return base::format_utc(base::WallTime(std::chrono::seconds(::timegm(&parts))));
}

std::string wrong_time_text(X509* certificate, bool expired) {
  const base::WallTime now(std::chrono::duration_cast<std::chrono::seconds>(base::wall_now().time_since_epoch()));
  const ASN1_TIME* limit = !certificate ? nullptr : expired ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate);
  return "x509: certificate has expired or is not yet valid: current time " + base::format_utc(now) +
         (expired ? " is after " : " is before ") + asn1_time(limit);
}

using Done = std::expected<void, std::string>;

/// A context without any roots.
std::expected<std::shared_ptr<SSL_CTX>, std::string> bare_context() {
  tls::start_openssl();
  std::shared_ptr<SSL_CTX> made(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!made) return std::unexpected("tls: cannot make a context");
  SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS);
  static constexpr unsigned char http_11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(made.get(), http_11, sizeof(http_11) - 1);
  // Any certificate among the roots is trusted, whoever signed it.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(made.get()), X509_V_FLAG_PARTIAL_CHAIN);
  return made;
}

/// Opening anything but a regular file (a pipe, for example) could block.
Done check_file(std::string_view what, const std::string& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return {};
  return std::unexpected("tls: cannot read " + std::string(what) + " file " + path + ": " +
                         (error ? base::errno_text(error.value()) : "not a regular file"));
}

Done unusable(std::string_view what, const std::string& path) {
  ERR_clear_error();
  return std::unexpected("tls: cannot use " + std::string(what) + " file " + path);
}

Done trust(SSL_CTX* context, const std::string& path) {
  if (auto done = check_file("CA", path); !done) return done;
  if (X509_STORE_load_file(SSL_CTX_get_cert_store(context), path.c_str()) != 1) return unusable("CA", path);
  return {};
}

Done show_certificate(SSL_CTX* context, const TlsOptions& options) {
  const std::string& key = options.key_file.empty() ? options.cert_file : options.key_file;
  if (auto done = check_file("certificate", options.cert_file); !done) return done;
  if (auto done = check_file("key", key); !done) return done;
  // An encrypted key is an error, not a question on a terminal.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1)
    return unusable("certificate", options.cert_file);
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) return unusable("key", key);
  return {};
}

}  // namespace

std::expected<std::shared_ptr<SSL_CTX>, std::string> client_context() {
  static std::shared_ptr<SSL_CTX> context;
  static Source loaded;
  const Source source = find_source();
  if (context && source == loaded) return context;
  auto made = bare_context();
  if (!made) return made;
  load_roots(made->get(), source);
  context = *made;
  loaded = source;
  return context;
}

std::expected<std::shared_ptr<SSL_CTX>, std::string> client_context(const TlsOptions& options) {
  if (options.empty()) return client_context();
  auto made = bare_context();
  if (!made) return made;
  if (options.ca_file.empty()) {
    const auto usual = client_context();
    if (!usual) return usual;
    SSL_CTX_set1_cert_store(made->get(), SSL_CTX_get_cert_store(usual->get()));
  } else if (auto done = trust(made->get(), options.ca_file); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (!options.cert_file.empty()) {
    if (auto done = show_certificate(made->get(), options); !done) return std::unexpected(std::move(done.error()));
  }
  return made;
}

std::string verify_error_text(long code, X509* certificate, const std::string& host) {
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return wrong_name_text(certificate, host);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return wrong_time_text(certificate, true);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return wrong_time_text(certificate, false);
    default:
      return tls::verify_error_text(code);
  }
}

}  // namespace cobble::net
