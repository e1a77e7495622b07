#include "cli/command.h"

int main(int argc, char** argv) { return expertoire::cli::run(argc, argv); }
