#include "daemon/api/metrics_text.h"

#include <catch2/catch.hpp>

using cobble::api::MetricsText;

TEST_CASE("a family stands together and only where it has samples") {
  MetricsText text;
  CHECK(text.empty());
  text.family("nothing", "gauge", "Nothing");
  text.family("a", "counter", "First");
  text.sample("check", "x", std::uint64_t(1));
  text.sample("check", "y", std::uint64_t(2));
  text.family("b", "gauge", "Second");
  text.sample(0.5);
  CHECK(text.take() ==
        "# HELP a First\n# TYPE a counter\na{check=\"x\"} 1\na{check=\"y\"} 2\n\n# HELP b Second\n# TYPE b gauge\nb 0.5\n\n");
  CHECK(text.take() == "");
}

TEST_CASE("label values are escaped as the format has it") {
  MetricsText text;
  text.family("a", "gauge", "A");
  text.sample("l", "q\"b\\n\nt\té\xff", std::uint64_t(0));
  CHECK(text.take() == "# HELP a A\n# TYPE a gauge\na{l=\"q\\\"b\\\\n\\nt\té\xEF\xBF\xBD\"} 0\n\n");
}
