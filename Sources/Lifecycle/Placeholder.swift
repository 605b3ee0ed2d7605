// placeholder, replaced when the room is furnished
