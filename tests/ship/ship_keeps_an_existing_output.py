"""An output that is there stays as it is, unless --force replaces it whole."""
import os
import sys

from shop import Shop, expect, one_sentence

with Shop(*sys.argv[1:3]) as shop:
    shop.ship()
    first = shop.tree()
    result = shop.ship(expect=1)
    one_sentence(result, "exists already and is kept", "--force")
    expect(shop.tree() == first, "a refused ship changed the folder")
    expect(shop.left_beside() == [], f"left behind: {shop.left_beside()}")

    with open(shop.path(shop.folder, "of-the-old-release"), "w", encoding="utf-8") as file:
        file.write("x")
    shop.change("Hallway Thermostat", "Attic Thermostat")
    shop.ship("--force")
    second = shop.tree()
    expect(b"Attic" in second["index.html"], "--force did not replace the page")
    expect("of-the-old-release" not in second, "a file of the old release is still there")
    expect(shop.left_beside() == [], f"left behind: {shop.left_beside()}")
    shop.verify()

    # What the release is made of does not go with the folder that it replaces.
    shop.change("build/thermostat.elf", shop.folder + "/firmware.elf")
    one_sentence(shop.ship("--force", expect=1), "firmware.elf: lies in the folder", "would be replaced")
    shop.change(shop.folder + "/firmware.elf", "build/thermostat.elf")
    os.rename(shop.path("maker.key"), shop.path(shop.folder, "maker.key"))
    one_sentence(shop.ship("--force", "--key", shop.folder + "/maker.key", expect=1), "maker.key: lies in the folder")
    os.rename(shop.path(shop.folder, "maker.key"), shop.path("maker.key"))
    expect(shop.tree() == second, "a refused ship changed the folder")

    os.rename(shop.path(shop.folder), shop.path("aside"))
    with open(shop.path(shop.folder), "w", encoding="utf-8") as file:
        file.write("not a folder")
    one_sentence(shop.ship("--force", expect=1), "is not a folder")
