# Builds svcadapt from this tree: nix build 'git+file:.?dir=packaging/recipes'
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { nixpkgs, ... }:
    let
      root = ../..;
      workspace = (builtins.fromTOML (builtins.readFile (root + "/Cargo.toml"))).workspace.package;
      command = (builtins.fromTOML (builtins.readFile (root + "/src/cli/Cargo.toml"))).package;
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      package = pkgs: pkgs.rustPlatform.buildRustPackage {
        pname = "svcadapt";
        inherit (workspace) version;
        src = root;
        cargoLock.lockFile = root + "/Cargo.lock";
        cargoBuildFlags = [ "--package" "svcadapt-cli" ];
        # The tests boot managers in namespaces, which a sandbox does not permit.
        doCheck = false;
        nativeBuildInputs = [ pkgs.installShellFiles ];
        postInstall = ''
          mkdir pages
          $out/bin/svcadapt man --output pages
          installManPage pages/*
          installShellCompletion --cmd svcadapt \
            --bash <($out/bin/svcadapt completions bash) \
            --zsh <($out/bin/svcadapt completions zsh) \
            --fish <($out/bin/svcadapt completions fish)
        '';
        meta = {
          inherit (command) description;
          homepage = workspace.repository;
          license = with pkgs.lib.licenses; [ mit asl20 ];
          mainProgram = "svcadapt";
          platforms = systems;
        };
      };
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: { default = package pkgs; });
    };
}
