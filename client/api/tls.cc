#include "client/api/tls.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "client/api/descriptor.h"
#include "tls/certificate.h"

namespace cobble::client {
namespace {

using std::chrono::steady_clock;

std::unexpected<Trouble> trouble(std::string cause, bool permanent = true) {
  return std::unexpected(Trouble{std::move(cause), permanent});
}

/// OpenSSL's own access to sockets would end the process with SIGPIPE when the server has gone.
struct SocketBio {
  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* done) {
    return finish(bio, send(descriptor(bio), data, size, MSG_NOSIGNAL | MSG_DONTWAIT), done, BIO_FLAGS_WRITE);
  }
  static int read(BIO* bio, char* data, std::size_t size, std::size_t* done) {
    const ssize_t count = recv(descriptor(bio), data, size, MSG_DONTWAIT);
    if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return finish(bio, count, done, BIO_FLAGS_READ);
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF);
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO* make(int fd) {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    BIO* bio = BIO_new(method);
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
    BIO_set_init(bio, 1);
    return bio;
  }

 private:
  static int descriptor(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }
  static int finish(BIO* bio, ssize_t count, std::size_t* done, int direction) {
    BIO_clear_retry_flags(bio);
    *done = count > 0 ? static_cast<std::size_t>(count) : 0;
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY);
    return count > 0 ? 1 : 0;
  }
};

/// The certificate behind a server's own, which clients pin; null when there is none.
X509* identity_of(const STACK_OF(X509) * shown) {
  return sk_X509_num(shown) == 2 ? sk_X509_value(shown, 1) : nullptr;
}

std::string fingerprint_of(X509* identity) {
  return identity ? tls::key_fingerprint(X509_get0_pubkey(identity)) : std::string();
}

bool valid_now(const X509* certificate) {
  return X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
         X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

/// Whether `issuer` may sign certificates and has signed this one. OpenSSL's own verification is no use for Pebble's
/// certificates: subject and issuer of the server's bear the same name, so that it takes it for one that has signed itself.
bool signed_by(X509* certificate, X509* issuer) {
  const bool may_sign = X509_check_ca(issuer) == 1 && (X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN) != 0;
  return may_sign && X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

/// The judgement of the server's certificates.
struct Verification {
  const Endpoint& endpoint;
  std::string error;  ///< empty: nothing wrong

  static int judge(X509_STORE_CTX* store, void* data) {
    auto& self = *static_cast<Verification*>(data);
    const Credentials& given = self.endpoint.credentials;
    if (!given.fingerprint.empty()) {
      self.look_for_fingerprint(store);
    } else if (!given.ca_file.empty()) {
      self.look_for_authority(store);
    }
    ERR_clear_error();
    if (!self.error.empty()) X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return self.error.empty() ? 1 : 0;
  }

 private:
  void look_for_fingerprint(X509_STORE_CTX* store) {
    X509* certificate = X509_STORE_CTX_get0_cert(store);
    X509* identity = identity_of(X509_STORE_CTX_get0_untrusted(store));
    const std::string found = fingerprint_of(identity);
    if (found.empty()) {
      error = "the server has no fingerprint";
    } else if (found != endpoint.credentials.fingerprint) {
      error = "the server's fingerprint is " + found + ", not the one expected";
    } else if (!signed_by(certificate, identity)) {
      error = tls::verify_error_text(X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);
    } else {
      look_at_use(certificate);
    }
  }

  void look_for_authority(X509_STORE_CTX* store) {
    X509* certificate = X509_STORE_CTX_get0_cert(store);
    if (signed_by_trusted(certificate, X509_STORE_CTX_get0_store(store))) {
      look_at_use(certificate);
    } else if (X509_verify_cert(store) != 1) {
      error = tls::verify_error_text(X509_STORE_CTX_get_error(store));
    }
    if (!error.empty() || X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0) return;
    const std::string& host = endpoint.address;
    const bool named = X509_check_ip_asc(certificate, host.c_str(), 0) == 1 ||
                       X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1;
    if (!named) error = "x509: certificate is not valid for " + host;
  }

  static bool signed_by_trusted(X509* certificate, X509_STORE* trusted) {
    const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(trusted);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
      X509* issuer = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
      if (issuer && valid_now(issuer) && signed_by(certificate, issuer)) return true;
    }
    return false;
  }

  void look_at_use(X509* certificate) {
    if (!valid_now(certificate)) {
      error = "x509: certificate has expired or is not yet valid";
    } else if (X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) != 1) {
      error = "x509: certificate specifies an incompatible key usage";
    }
  }
};

std::expected<void, Trouble> check_file(const std::string& path) {
  if (access(path.c_str(), R_OK) == 0) return {};
  return trouble("open " + path + ": " + system_error_text(errno));
}

std::expected<void, Trouble> show_certificate(SSL_CTX* context, const Credentials& credentials) {
  const std::string& key = credentials.key_file.empty() ? credentials.cert_file : credentials.key_file;
  for (const std::string& path : {credentials.cert_file, key}) {
    if (auto readable = check_file(path); !readable) return readable;
  }
  // An encrypted key is an error, not a question on a terminal.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  // The server wants exactly one certificate: what stands behind it in the file is not shown.
  if (SSL_CTX_use_certificate_file(context, credentials.cert_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return trouble("tls: cannot use certificate file " + credentials.cert_file);
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) return trouble("tls: cannot use key file " + key);
  return {};
}

std::expected<tls::SslContextPtr, Trouble> make_context(const Credentials& credentials) {
  tls::start_openssl();
  tls::SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) return trouble("tls: cannot make a context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // HTTP knows by itself where a reply ends. What judges the server is there during the first handshake only.
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (credentials.fingerprint.empty() && !credentials.ca_file.empty()) {
    if (auto readable = check_file(credentials.ca_file); !readable) return std::unexpected(readable.error());
    // What the file holds is trusted, whoever signed it.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
    if (X509_STORE_load_file(SSL_CTX_get_cert_store(context.get()), credentials.ca_file.c_str()) != 1)
      return trouble("tls: cannot use CA file " + credentials.ca_file);
  }
  if (!credentials.cert_file.empty()) {
    if (auto shown = show_certificate(context.get(), credentials); !shown) return std::unexpected(shown.error());
  }
  return context;
}

/// `certificate required`, out of OpenSSL's `tlsv13 alert certificate required`.
std::string error_words() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  if (!reason) return "tls: connection failed";
  const std::string_view text(reason);
  const auto alert = text.find("alert ");
  if (alert == std::string_view::npos) return "tls: " + std::string(text);
  return "remote error: tls: " + std::string(text.substr(alert + 6));
}

}  // namespace

struct TlsLayer::Session {
  tls::SslPtr ssl;
  bool certificate_shown = false;

  /// What a call that did not succeed means.
  IoResult judge(int result) const {
    const int error_number = errno;
    switch (SSL_get_error(ssl.get(), result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return std::nullopt;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      case SSL_ERROR_SYSCALL:
        return std::unexpected(error_number == 0 ? "EOF" : "tls: " + system_error_text(error_number));
      default:
        return std::unexpected(error_words() + (certificate_shown ? "" : " (see PEBBLE_TLS_CERT)"));
    }
  }
};

std::string TlsLayer::fingerprint() const {
  return fingerprint_of(identity_of(SSL_get_peer_cert_chain(session_->ssl.get())));
}

TlsLayer::TlsLayer(std::unique_ptr<Session> session) : session_(std::move(session)) {}
TlsLayer::~TlsLayer() = default;

std::expected<std::unique_ptr<TlsLayer>, Trouble> TlsLayer::start(int fd, const Endpoint& endpoint,
                                                                  std::chrono::milliseconds limit) {
  auto context = make_context(endpoint.credentials);
  if (!context) return std::unexpected(context.error());
  auto session = std::make_unique<Session>();
  session->certificate_shown = !endpoint.credentials.cert_file.empty();
  Verification verification{endpoint, {}};
  SSL_CTX_set_cert_verify_callback(context->get(), Verification::judge, &verification);
  session->ssl.reset(SSL_new(context->get()));
  SSL* ssl = session->ssl.get();
  if (!ssl) return trouble("tls: cannot make a connection");
  BIO* bio = SocketBio::make(fd);
  SSL_set_bio(ssl, bio, bio);
  in6_addr number{};
  const bool is_name =
      inet_pton(AF_INET, endpoint.address.c_str(), &number) != 1 && inet_pton(AF_INET6, endpoint.address.c_str(), &number) != 1;
  if (is_name) SSL_set_tlsext_host_name(ssl, endpoint.address.c_str());
  const auto deadline = steady_clock::now() + limit;
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_connect(ssl);
    if (result == 1) break;
    if (!verification.error.empty()) return trouble("tls: failed to verify certificate: " + verification.error);
    const auto progress = session->judge(result);
    if (!progress) return trouble(progress.error(), progress.error() != "EOF");
    if (*progress) return trouble("EOF", false);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0 || !wait_for(fd, SSL_want_write(ssl) ? POLLOUT : POLLIN, -1, left))
      return trouble("i/o timeout", false);
  }
  return std::unique_ptr<TlsLayer>(new TlsLayer(std::move(session)));
}

IoResult TlsLayer::send_some(std::string_view data) {
  std::size_t count = 0;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_write_ex(session_->ssl.get(), data.data(), data.size(), &count);
  return result == 1 ? IoResult(count) : session_->judge(result);
}

IoResult TlsLayer::receive_some(char* buffer, std::size_t size) {
  std::size_t count = 0;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_read_ex(session_->ssl.get(), buffer, size, &count);
  return result == 1 ? IoResult(count) : session_->judge(result);
}

bool TlsLayer::pending() const {
  return SSL_pending(session_->ssl.get()) > 0;
}

bool TlsLayer::readable() {
  // What came may be nothing for us, such as session tickets.
  char byte = 0;
  std::size_t count = 0;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_peek_ex(session_->ssl.get(), &byte, 1, &count);
  if (result == 1) return true;
  const auto progress = session_->judge(result);
  return !progress || progress->has_value();
}

}  // namespace cobble::client
