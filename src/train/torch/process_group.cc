#include "train/torch/process_group.h"

#include <fmt/format.h>

#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>

#include "base/error.h"

namespace expertoire::train {
namespace {

// What libtorch says goes on for pages: a stack.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class ProcessGroup final : public Processes {
 public:
  ProcessGroup(c10::intrusive_ptr<c10d::ProcessGroup> group, at::Device device)
      : group_(std::move(group)), device_(device) {}

  int64_t rank() const override { return group_->getRank(); }
  int64_t count() const override { return group_->getSize(); }

  void sum(Tensor& tensor) override {
    std::vector<Tensor> travelling = {tensor.detach().to(device_).contiguous()};
    try {
      group_->allreduce(travelling)->wait();
    } catch (const std::exception& error) {
      throw Error(ErrorCode::kIo,
                  {fmt::format("summing over processes, in process {} of {}", rank(), count()),
                   first_line(error.what()), "an answer of all within the group's timeout",
                   "another process has died or hangs: see its own message, then run the same "
                   "command with --resume"});
    }
    if (!travelling[0].is_same(tensor)) {
      const at::NoGradGuard no_grad;
      tensor.copy_(travelling[0]);
    }
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  at::Device device_;
};

}  // namespace

std::unique_ptr<Processes> resolve_processes(const std::string& name, at::Device device) {
  try {
    return std::make_unique<ProcessGroup>(c10d::resolve_process_group(name), device);
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kNotFound, {"looking for the process group " + name,
                                       first_line(error.what()), "a group of this process",
                                       "start several processes with torchrun "
                                       "scripts/train_distributed (docs/training.md)"});
  }
}

}  // namespace expertoire::train
