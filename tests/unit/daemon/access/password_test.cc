#include "daemon/access/password.h"

#include <catch2/catch.hpp>

using namespace cobble::access;

namespace {

const std::string plain = "$6$saltsalt$JcVDtuB6d1BHhCd5RPBh8g8xX/1CbY8EU2PN0MTaj2/Mypw4P./C6dN4j0HALhzBDTocyW1Jm.gYaTPjFGCV40";
const std::string with_rounds =
    "$6$rounds=10000$0123456789abcdef$0/cPJpS6tIEDqXM2TsRIPdtkD//7QxsVm2pWWSxpBiUeytX16X8EXvGdvcF4cEA4WvURtAK1LxluSfFFFElXt/";

std::string with_rounds_of(const std::string& rounds) {
  std::string text = with_rounds;
  return text.replace(text.find("10000"), 5, rounds);
}

}  // namespace

TEST_CASE("a password matches the hash made of it, and no other") {
  CHECK(password_matches(plain, "test"));
  CHECK(password_matches(with_rounds, "test"));
  CHECK_FALSE(password_matches(plain, "Test"));
  CHECK_FALSE(password_matches(plain, ""));
  CHECK_FALSE(password_matches(plain, std::string("test\0x", 6)));
  CHECK_FALSE(password_matches(plain, std::string(max_password_size + 1, 'x')));
}

TEST_CASE("only canonical SHA-512 hashes are usable") {
  CHECK(usable_password_hash(plain));
  CHECK(usable_password_hash(with_rounds));
  const std::string digest = plain.substr(plain.rfind('$') + 1);
  for (const std::string& stored :
       {std::string(), std::string("*****"), std::string("$6$"), plain + "\n", plain + " ", "!" + plain, "$5" + plain.substr(2),
        "$6$$" + digest, "$6$12345678901234567$" + digest, "$6$salt$" + digest.substr(1), "$6$salt$:" + digest.substr(1),
        with_rounds_of("500"), with_rounds_of("01000"), with_rounds_of(""), with_rounds_of("1e4"),
        with_rounds_of(std::to_string(max_password_rounds + 1)), with_rounds_of("99999999999999999999")}) {
    CAPTURE(stored);
    CHECK_FALSE(usable_password_hash(stored));
    CHECK_FALSE(password_matches(stored, "test"));
  }
}
