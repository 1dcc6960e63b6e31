#include "daemon/net/openssl.h"

namespace cobble::net {

void start_openssl() {
  static const bool started = ::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1;
  static_cast<void>(started);
}

}  // namespace cobble::net
