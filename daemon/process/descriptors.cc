#include "daemon/process/descriptors.h"

#include <fcntl.h>

#include <cerrno>
#include <vector>

#include "daemon/process/system.h"

namespace cobble::process {

namespace {

constexpr std::size_t reserve_size = 16;

base::UniqueFd& device() {
  static base::UniqueFd fd;
  if (!fd) fd.reset(system_calls().open_null());
  return fd;
}

bool out_of_descriptors() {
  return errno == EMFILE || errno == ENFILE;
}

class Reserve {
 public:
  void fill() {
    while (held_.size() < reserve_size) {
      const int source = null_input();
      base::UniqueFd fd(source < 0 ? -1 : ::fcntl(source, F_DUPFD_CLOEXEC, 3));
      if (!fd) return;
      held_.push_back(std::move(fd));
    }
  }
  bool give_two() {
    if (held_.size() < 2) return false;
    held_.resize(held_.size() - 2);
    return true;
  }

 private:
  std::vector<base::UniqueFd> held_;
};

Reserve& reserve() {
  static Reserve only;
  return only;
}

}  // namespace

int null_input() {
  if (device()) return device().get();
  static base::UniqueFd empty;
  if (!empty && !out_of_descriptors()) empty = std::move(system_calls().pipe().read_end);
  return empty.get();
}

int null_output() {
  if (device()) return device().get();
  static base::UniqueFd file;
  if (!file && !out_of_descriptors()) file.reset(system_calls().memory_file());
  return file.get();
}

void reserve_descriptors() {
  reserve().fill();
}

base::Pipe make_output_pipe() {
  base::Pipe pipe = system_calls().pipe();
  if (!pipe.read_end && out_of_descriptors() && reserve().give_two()) return system_calls().pipe();
  if (pipe.read_end) reserve().fill();
  return pipe;
}

}  // namespace cobble::process
